// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/* classes: the enum of shield/classes.def. */
enum shield_class {
#define CLASS(id, name, help) SHIELD_CLASS_##id,
#include "shield/classes.def"
#undef CLASS
    SHIELD_CLASS_COUNT
};
const char *shield_class_name(enum shield_class class);
