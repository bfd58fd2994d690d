// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/settings.h"

#include "programs/settings_check.h"
#include "programs/settings_file.h"
#include "programs/settings_sources.h"
#include "tap.h"
#include <stdlib.h>

static struct buffer why;

static bool set(struct settings *settings, const char *name, struct text value)
{
    buffer_reset(&why);
    return settings_set(settings, setting_named(text_of(name)), value, &why);
}

static bool parse(struct settings *settings, struct text content)
{
    buffer_reset(&why);
    return settings_parse(settings, "t.conf", content, &why);
}

static void test_values(void)
{
    static const struct {
        const char *name;
        struct text good, bad;
    } rows[] = {
        {"listen", TEXT_INIT("[::]:4747, 127.0.0.1:0"), TEXT_INIT("4747")},
        {"listen", TEXT_INIT("10.0.0.1:65535"), TEXT_INIT("10.0.0.1:65536")},
        {"listen", TEXT_INIT("[fe80::1]:80"), TEXT_INIT("fe80::1:80")},
        {"public_url", TEXT_INIT("https://music.example.org"), TEXT_INIT("music.example.org")},
        {"public_url", TEXT_INIT("http://localhost:4747"),
         TEXT_INIT("https://music.example.org/path")},
        {"host_names", TEXT_INIT("a.example,localhost"), TEXT_INIT("-a.example")},
        {"trusted_proxies", TEXT_INIT("10.0.0.0/8,::1"), TEXT_INIT("10.0.0.0/33")},
        {"edge_place_hours", TEXT_INIT("22:30-06:00"), TEXT_INIT("22:30-24:00")},
        {"edge_place_rendition", TEXT_INIT("aac-64,flac"), TEXT_INIT("aac-96")},
        {"tls", TEXT_INIT("off"), TEXT_INIT("maybe")},
        {"watch", TEXT_INIT("No"), TEXT_INIT("never")},
        {"max_transcodes", TEXT_INIT("1000"), TEXT_INIT("0")},
        {"max_header_bytes", TEXT_INIT("4096"), TEXT_INIT("0")},
        {"max_header_bytes", TEXT_INIT("1"), TEXT_INIT("4294967296")},
        {"mdns_name",
         TEXT_INIT("K\xc3\xbc"
                   "che"),
         TEXT_INIT("a\tb")},
        {"library", TEXT_INIT("/srv/music,Jazz=/srv/jazz"), TEXT_INIT("=")},
    };
    struct settings settings;
    settings_init(&settings);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        OK(set(&settings, rows[i].name, rows[i].good), rows[i].good.data);
        if (!(i == ARRAY_SIZE(rows) - 1))
            OK(!set(&settings, rows[i].name, rows[i].bad), rows[i].name);
    }
    OK(settings.listen.count == 1 && settings.max_transcodes == 1000,
       "a refused value leaves the good one");
    settings_release(&settings);
    OK(!settings.listen.items, "a released struct is empty");
}

static void test_file(void)
{
    struct settings settings;
    settings_init(&settings);
    OK(parse(&settings, TEXT("# mine\nlisten = {\"0.0.0.0:80\", \"[::]:443\"}\nmax_transcodes = "
                             "3\nwatch = no\n")),
       "a file with a list, a number and a switch is taken");
    OK(settings.listen.count == 2 && settings.max_transcodes == 3 && !settings.watch,
       "its values stand");
    OK(!parse(&settings, TEXT("watch = yes\n\nmax_transcode = 4\n")), "an unknown key is an error");
    OK_TEXT(
        buffer_view(&why),
        TEXT("t.conf:3: there is no setting \"max_transcode\"; did you mean \"max_transcodes\"?"),
        "it is named with its line and the nearest setting");
    OK(!settings.watch, "a file with an error changes nothing");
    OK(!parse(&settings,
              TEXT("# one\nwatch = yes # two\n/* # */\nmdns_name = \"# no \\\" comment\"\n"
                   "# three\nmax_transcode = 4\n")) &&
           text_starts(buffer_view(&why), TEXT("t.conf:6: there is no setting")),
       "comments do not move the lines");
    OK(parse(&settings, TEXT("mdns_name = \"#1\" # best\nwatch = no\n")) &&
           strcmp(settings.mdns_name, "#1") == 0,
       "what is quoted is none");
    OK(!parse(&settings, TEXT("\nlisten = {\"0.0.0.0:80\",\n \"here\"}\n")),
       "a bad item of a list is an error");
    OK(text_starts(buffer_view(&why),
                   TEXT("t.conf:3: listen: \"here\" is not an address and port")),
       "its message has the line of the item and says what to write");
    OK(!parse(&settings, TEXT("log_format = xml\n")), "a choice outside its words is an error");
    OK_TEXT(buffer_view(&why), TEXT("t.conf:1: log_format: \"xml\" is not one of: text json"),
            "the words are listed");
    OK(!parse(&settings, TEXT("listen = {\n")), "a file that ends early is an error");
    OK(text_starts(buffer_view(&why), TEXT("t.conf:")), "with a line");
    OK(!parse(&settings, TEXT("include(\"/nonexistent.conf\")\n")),
       "an include that is missing is an error");
    buffer_reset(&why);
    OK(!settings_read_file(&settings, "/nonexistent/sostenuto.conf", &why),
       "a missing file is an error");
    settings_release(&settings);
}

static void test_words(void)
{
    struct text name, path;
    library_split(TEXT("Jazz=/srv/jazz"), &name, &path);
    OK(text_equal(name, TEXT("Jazz")) && text_equal(path, TEXT("/srv/jazz")),
       "a library may be named");
    library_split(TEXT("/srv/my music/"), &name, &path);
    OK_TEXT(name, TEXT("my music"), "else it is named after its folder");
    library_split(TEXT("/srv/a=/b"), &name, &path);
    OK_TEXT(path, TEXT("/srv/a=/b"), "an equals sign inside a path is part of the path");
    library_split(TEXT("/"), &name, &path);
    OK_TEXT(name, TEXT("Music"), "the root folder gets a plain name");
    OK(word_distance(TEXT("listen"), TEXT("lisen")) == 1 &&
           word_distance(TEXT(""), TEXT("abc")) == 3,
       "distance counts edits");
    OK(!setting_nearest(TEXT("quite_something_else")), "far words get no suggestion");
}

static void test_shown(void)
{
    struct settings settings, again;
    settings_init(&settings);
    settings_init(&again);
    OK(set(&settings, "log_level", TEXT("error")) && set(&settings, "library", TEXT("/a,B=/b")),
       "some values are set");
    for (size_t i = 0; i < setting_count(); i++) {
        struct buffer shown;
        buffer_init(&shown, 65536);
        setting_show(setting_at(i), &settings, &shown);
        buffer_reset(&why);
        if (!settings_set(&again, setting_at(i), buffer_view(&shown), &why) ||
            !setting_same(setting_at(i), &settings, &again))
            OK(false, setting_at(i)->name);
        buffer_release(&shown);
    }
    OK(again.log_level == 3 && again.library.count == 2,
       "every setting can be read back as it is shown");
    settings_release(&settings);
    settings_release(&again);
}

static bool load(struct settings *settings, int argc, const char *const *words)
{
    char *const *argv = (char *const *)(uintptr_t)words; /* read only */
    struct arguments arguments;
    size_t count;
    const struct argument_option *options = settings_options(&count);
    buffer_reset(&why);
    return arguments_parse(&arguments, argc, argv, options, count, &why) &&
           settings_load(settings, &arguments, &why);
}

static void test_repeated(void)
{
    static const char *const argv[] = {
        "--allowed-places",       "/a",         "--trusted-proxies=10.0.0.1",
        "--allowed-places=/b,/c", "--watch=no", "--watch=yes"};
    static const char *const bad[] = {"--trusted-proxies=here", "--trusted-proxies=10.0.0.1"};
    struct settings settings;
    if (setenv("SOSTENUTO_ALLOWED_PLACES", "/elsewhere", 1) < 0)
        abort();
    OK(load(&settings, ARRAY_SIZE(argv), argv), "a list option may be given twice");
    struct buffer shown;
    buffer_init(&shown, 4096);
    setting_show(setting_named(TEXT("allowed_places")), &settings, &shown);
    OK_TEXT(buffer_view(&shown), TEXT("/a,/b,/c"),
            "its values add up in order and replace the environment's");
    OK(settings.watch, "of another option the last counts");
    buffer_release(&shown);
    settings_release(&settings);
    OK(!load(&settings, ARRAY_SIZE(bad), bad), "each of them is checked");
    settings_release(&settings);
    unsetenv("SOSTENUTO_ALLOWED_PLACES");
}

int main(void)
{
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    test_values();
    test_file();
    test_words();
    test_shown();
    test_repeated();
    buffer_release(&why);
    return tap_done();
}
