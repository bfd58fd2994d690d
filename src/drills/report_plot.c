// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/report_plot.h"

enum { WIDTH = 400, HEIGHT = 130, LEFT = 44, RIGHT = 12, TOP = 8, BOTTOM = 22 };

void html_text(struct buffer *out, struct text words)
{
    for (size_t i = 0; i < words.size; i++) {
        char byte = words.data[i];
        const char *instead = byte == '&'   ? "&amp;"
                              : byte == '<' ? "&lt;"
                              : byte == '>' ? "&gt;"
                              : byte == '"' ? "&quot;"
                                            : NULL;
        if (instead)
            buffer_text(out, text_of(instead));
        else
            buffer_byte(out, (uint8_t)byte);
    }
}

uint64_t plot_ceiling(uint64_t value)
{
    static const unsigned steps[] = {1, 2, 5};
    for (uint64_t ten = 1; ten < UINT64_MAX / 100; ten *= 10)
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
            if (steps[i] * ten >= value)
                return steps[i] * ten;
    return value;
}

static double x_of(const struct plot *plot, double second)
{
    double count = plot->second_count ? (double)plot->second_count : 1;
    return LEFT + second / count * (WIDTH - LEFT - RIGHT);
}

static double y_of(uint64_t value, uint64_t ceiling)
{
    return TOP + (1 - (double)value / (double)ceiling) * (HEIGHT - TOP - BOTTOM);
}

static uint64_t highest(const struct plot *plot)
{
    uint64_t most = 0;
    for (size_t line = 0; line < plot->line_count; line++)
        for (size_t i = 0; i < plot->second_count; i++)
            if (plot->lines[line].values[i] > most)
                most = plot->lines[line].values[i];
    return most;
}

/* 1500 → 1.5k, 2000000 → 2M */
static void put_short(struct buffer *out, uint64_t value)
{
    if (value >= 1000000)
        buffer_printf(out, "%.3gM", (double)value / 1e6);
    else if (value >= 10000)
        buffer_printf(out, "%.3gk", (double)value / 1e3);
    else
        buffer_printf(out, "%llu", (unsigned long long)value);
}

static void put_faults(const struct plot *plot, const struct scenario *scenario, struct buffer *out)
{
    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct scenario_fault *fault = &scenario->faults[i];
        double begin = x_of(plot, (double)fault->at_s);
        double end = fault_lasts(fault->kind) ? x_of(plot, (double)fault->until_s) : begin + 2;
        buffer_printf(out,
                      "<rect class=\"fault\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\">"
                      "<title>%s</title></rect>",
                      begin, TOP, end - begin, HEIGHT - TOP - BOTTOM, fault_name(fault->kind));
    }
}

static void put_axes(const struct plot *plot, uint64_t ceiling, struct buffer *out)
{
    for (unsigned i = 0; i <= 2; i++) {
        double y = TOP + (HEIGHT - TOP - BOTTOM) * i / 2.0;
        uint64_t value = ceiling * (2 - i) / 2;
        if (i == 1 && ceiling % 2)
            continue;
        buffer_printf(out,
                      "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"y\" x=\"%d\" "
                      "y=\"%.1f\">",
                      LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4);
        put_short(out, value);
        buffer_text(out, TEXT("</text>"));
    }
    size_t step = plot->second_count > 60 ? 30 : plot->second_count > 30 ? 10 : 5;
    for (size_t second = 0; second <= plot->second_count; second += step)
        buffer_printf(out, "<text class=\"x\" x=\"%.1f\" y=\"%d\">%zu s</text>",
                      x_of(plot, (double)second), HEIGHT - 6, second);
}

static void put_line(const struct plot *plot, const struct plot_line *line, uint64_t ceiling,
                     struct buffer *out)
{
    buffer_printf(out, "<path class=\"line %s\" d=\"", line->class);
    for (size_t i = 0; i < plot->second_count; i++)
        buffer_printf(out, "%c%.1f %.1f", i ? 'L' : 'M', x_of(plot, (double)i + 0.5),
                      y_of(line->values[i], ceiling));
    buffer_text(out, TEXT("\"/>"));
}

static void put_bars(const struct plot *plot, size_t at, uint64_t ceiling, struct buffer *out)
{
    const struct plot_line *line = &plot->lines[at];
    double share = 0.8 / (double)plot->line_count;
    double width = (x_of(plot, 1) - x_of(plot, 0)) * share;
    for (size_t i = 0; i < plot->second_count; i++)
        if (line->values[i] > 0) {
            double y = y_of(line->values[i], ceiling);
            buffer_printf(out,
                          "<rect class=\"bar %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                          "height=\"%.1f\"><title>%llu at %zu s</title></rect>",
                          line->class, x_of(plot, (double)i + 0.1 + share * (double)at), y, width,
                          HEIGHT - BOTTOM - y, (unsigned long long)line->values[i], i);
        }
}

static void put_caption(const struct plot *plot, uint64_t most, struct buffer *out)
{
    buffer_printf(out, "<figcaption><b>%s</b>", plot->title);
    for (size_t i = 0; plot->line_count > 1 && i < plot->line_count; i++)
        buffer_printf(out, " <span class=\"key %s\"></span>%s", plot->lines[i].class,
                      plot->lines[i].name);
    buffer_text(out, TEXT(" <span class=\"most\">"));
    if (most == 0 && plot->shape == PLOT_BARS) {
        buffer_text(out, TEXT("none"));
    } else {
        buffer_text(out, TEXT("at most "));
        put_short(out, most);
        buffer_printf(out, "%s%s", plot->unit[0] ? " " : "", plot->unit);
    }
    buffer_text(out, TEXT("</span></figcaption>"));
}

void plot_write(const struct plot *plot, const struct scenario *scenario, struct buffer *out)
{
    uint64_t most = highest(plot), ceiling = plot_ceiling(most);
    buffer_text(out, TEXT("<figure>"));
    put_caption(plot, most, out);
    buffer_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s, %zu seconds\">",
                  WIDTH, HEIGHT, plot->title, plot->second_count);
    put_faults(plot, scenario, out);
    put_axes(plot, ceiling, out);
    for (size_t i = 0; i < plot->line_count; i++)
        if (plot->shape == PLOT_LINE)
            put_line(plot, &plot->lines[i], ceiling, out);
        else
            put_bars(plot, i, ceiling, out);
    buffer_text(out, TEXT("</svg></figure>\n"));
}
