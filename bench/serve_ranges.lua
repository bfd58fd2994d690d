-- SPDX-License-Identifier: GPL-3.0-or-later
-- wrk: random ranges of 1 MiB of a file of 30 MiB.
math.randomseed(7)
function request()
    local first = math.random(0, 29 * 1048576)
    return wrk.format("GET", nil, {["Range"] = string.format("bytes=%d-%d", first, first + 1048575)})
end
