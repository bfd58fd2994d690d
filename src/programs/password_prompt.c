// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/password_prompt.h"

#include "base/log.h"
#include <errno.h>
#include <termios.h>
#include <unistd.h>

/* The first line of a stream, or all of it when there is only one. */
static bool read_line(FILE *stream, struct buffer *line)
{
    for (int c; (c = fgetc(stream)) != EOF && c != '\n';) {
        char byte = (char)c;
        buffer_append(line, &byte, 1);
    }
    return !ferror(stream) && !line->overflowed && line->size > 0;
}

static bool read_unseen(const char *question, struct buffer *line)
{
    struct termios before, silent;
    fprintf(stderr, "%s: ", question);
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    bool is_read = read_line(stdin, line);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return is_read;
}

static bool ask_person(struct buffer *password, struct buffer *why)
{
    struct buffer again;
    buffer_init(&again, PASSWORD_PROMPT_MAX_BYTES);
    bool is_good = read_unseen("Password", password) && read_unseen("Once more", &again);
    if (!is_good)
        buffer_printf(why, "a password has 1 to %d bytes", PASSWORD_PROMPT_MAX_BYTES);
    else if (!text_equal(buffer_view(password), buffer_view(&again))) {
        buffer_printf(why, "the two are not the same; nothing was changed");
        is_good = false;
    }
    if (again.data)
        explicit_bzero(again.data, again.capacity);
    buffer_release(&again);
    return is_good;
}

bool password_prompt(const char *file, struct buffer *ret_password, struct buffer *why)
{
    if (!file && isatty(STDIN_FILENO))
        return ask_person(ret_password, why);
    bool is_stdin = !file || strcmp(file, "-") == 0;
    FILE *stream = is_stdin ? stdin : fopen(file, "re");
    if (!stream) {
        buffer_printf(why, "password file %s: %.*s", file, TEXT_ARGS(log_errno(errno)));
        return false;
    }
    bool is_good = read_line(stream, ret_password);
    if (!is_good)
        buffer_printf(why, "a password is one line of 1 to %d bytes; none was found in %s",
                      PASSWORD_PROMPT_MAX_BYTES, is_stdin ? "standard input" : file);
    if (!is_stdin)
        (void)fclose(stream);
    return is_good;
}
