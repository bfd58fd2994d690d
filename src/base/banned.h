// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * banned: functions that nobody may call, and what to call instead.  Every C file gets this header
 * by -include, so a slip is an error at compile time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOSTENUTO_BANNED(name, instead) name##_is_banned_use_##instead
#undef strcpy
#define strcpy(...) SOSTENUTO_BANNED(strcpy, text_or_buffer)
#undef strcat
#define strcat(...) SOSTENUTO_BANNED(strcat, buffer_append)
#undef strncpy
#define strncpy(...) SOSTENUTO_BANNED(strncpy, text_or_memcpy)
#undef strncat
#define strncat(...) SOSTENUTO_BANNED(strncat, buffer_append)
#undef strtok
#define strtok(...) SOSTENUTO_BANNED(strtok, text_split)
#undef sprintf
#define sprintf(...) SOSTENUTO_BANNED(sprintf, snprintf_or_buffer_appendf)
#undef vsprintf
#define vsprintf(...) SOSTENUTO_BANNED(vsprintf, vsnprintf)
#undef gets
#define gets(...) SOSTENUTO_BANNED(gets, a_bounded_read)
#undef gmtime
#define gmtime(...) SOSTENUTO_BANNED(gmtime, gmtime_r)
#undef localtime
#define localtime(...) SOSTENUTO_BANNED(localtime, localtime_r)
#undef ctime
#define ctime(...) SOSTENUTO_BANNED(ctime, strftime)
#undef asctime
#define asctime(...) SOSTENUTO_BANNED(asctime, strftime)
#undef atoi
#define atoi(...) SOSTENUTO_BANNED(atoi, text_to_u64)
#undef atol
#define atol(...) SOSTENUTO_BANNED(atol, text_to_u64)
#undef atof
#define atof(...) SOSTENUTO_BANNED(atof, strtod)
#undef rand
#define rand(...) SOSTENUTO_BANNED(rand, random_fill_or_rng)
#undef system
#define system(...) SOSTENUTO_BANNED(system, posix_spawn)
#undef popen
#define popen(...) SOSTENUTO_BANNED(popen, posix_spawn)
#undef alloca
#define alloca(...) SOSTENUTO_BANNED(alloca, arena_alloc)
