// Short names over the generated bindings (generated/plugin.h), for plugins in C. It speaks version 0.1.0 of the contract,
// wit/plugin.wit, whose comments say what each function does. The file of the plugin that includes it defines otlet_describe,
// otlet_configure and otlet_process; its other files define OTLET_PART before they include it.
//
// Who frees: what a function here returns is yours, and is freed by the function that its comment names; what it is given
// stays yours. Memory that runs out ends the instance, not the host.
#ifndef OTLET_H
#define OTLET_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generated/plugin.h"

#ifndef OTLET_PART
// What the plugin defines -------------------------------------------------------------------------------------------

// The manifest, in JSON. A literal.
static const char *otlet_describe(void);
// Once an instance: reads the config by otlet_setting and opens columns. NULL, or what is wrong with the config: a text that
// lives on, as otlet_error gives.
static const char *otlet_configure(void);
// Works on the batch in hand. NULL, or why it failed: the batch is then what it was before.
static const char *otlet_process(void);
#endif

// Texts -------------------------------------------------------------------------------------------------------------

// Bytes of UTF-8, not ended by a zero.
typedef plugin_string_t otlet_text;

static inline otlet_text otlet_of(const char *text) {
  return (otlet_text){(uint8_t *)text, strlen(text)};
}

static inline bool otlet_is(otlet_text a, otlet_text b) {
  return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline bool otlet_begins(otlet_text text, otlet_text prefix) {
  return text.len >= prefix.len && memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

// A copy, freed by free(.ptr).
static inline otlet_text otlet_copy(otlet_text text) {
  otlet_text copy;
  plugin_string_dup_n(&copy, (const char *)text.ptr, text.len);
  return copy;
}

// A message made as by printf, which lives until the next one.
__attribute__((format(printf, 1, 2))) static inline const char *otlet_error(const char *format, ...) {
  static char message[1024];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  return message;
}

// Config ------------------------------------------------------------------------------------------------------------

typedef plugin_list_string_t otlet_keys;

// The text at a JSON pointer of the config ("/attribute"), into `text`: freed by free(.ptr). False if no text stands there.
static inline bool otlet_setting_text(const char *pointer, otlet_text *text) {
  otlet_text path = otlet_of(pointer);
  otlet_plugin_types_value_t value;
  if (!otlet_plugin_host_setting(&path, &value)) return false;
  if (value.tag != OTLET_PLUGIN_TYPES_VALUE_TEXT) {
    otlet_plugin_types_value_free(&value);
    return false;
  }
  *text = value.val.text;
  return true;
}

// The integer there, or `otherwise`.
static inline int64_t otlet_setting_integer(const char *pointer, int64_t otherwise) {
  otlet_text path = otlet_of(pointer);
  otlet_plugin_types_value_t value;
  if (!otlet_plugin_host_setting(&path, &value)) return otherwise;
  int64_t found = value.tag == OTLET_PLUGIN_TYPES_VALUE_INTEGER ? value.val.integer : otherwise;
  otlet_plugin_types_value_free(&value);
  return found;
}

// The boolean there, or `otherwise`.
static inline bool otlet_setting_boolean(const char *pointer, bool otherwise) {
  otlet_text path = otlet_of(pointer);
  otlet_plugin_types_value_t value;
  if (!otlet_plugin_host_setting(&path, &value)) return otherwise;
  bool found = value.tag == OTLET_PLUGIN_TYPES_VALUE_BOOLEAN ? value.val.boolean : otherwise;
  otlet_plugin_types_value_free(&value);
  return found;
}

// The keys of the object there, or "0", "1" and so on of the array: freed by plugin_list_string_free.
static inline otlet_keys otlet_settings(const char *pointer) {
  otlet_text path = otlet_of(pointer);
  otlet_keys keys;
  otlet_plugin_host_settings(&path, &keys);
  return keys;
}

// The pointer to what stands under a key: freed by free.
static inline char *otlet_child(const char *pointer, otlet_text key) {
  size_t length = strlen(pointer);
  char *child = malloc(length + 2 * key.len + 2), *end = child + length;
  if (!child) abort();
  memcpy(child, pointer, length);
  *end++ = '/';
  for (size_t i = 0; i < key.len; i++) {
    if (key.ptr[i] == '~' || key.ptr[i] == '/') {
      *end++ = '~';
      *end++ = key.ptr[i] == '~' ? '0' : '1';
    } else {
      *end++ = (char)key.ptr[i];
    }
  }
  *end = 0;
  return child;
}

// Columns -----------------------------------------------------------------------------------------------------------

typedef uint32_t otlet_column;
typedef plugin_list_u32_t otlet_rows;
typedef otlet_plugin_types_packed_texts_t otlet_texts;
typedef otlet_plugin_types_packed_integers_t otlet_integers;
typedef otlet_plugin_types_packed_doubles_t otlet_doubles;

// Opens a column, in otlet_configure. NULL, or what is wrong with the path.
static inline const char *otlet_open(const char *path, otlet_column *column) {
  otlet_text text = otlet_of(path), error;
  if (otlet_plugin_batch_column(&text, column, &error)) return NULL;
  const char *message = otlet_error("%.*s", (int)error.len, (const char *)error.ptr);
  plugin_string_free(&error);
  return message;
}

// Opens the column of an attribute whose key is not known beforehand: otlet_open("resource.attributes[\"KEY\"]", ..).
static inline const char *otlet_open_attribute(const char *table, otlet_text key, otlet_column *column) {
  char *path = malloc(strlen(table) + 2 * key.len + sizeof ".attributes[\"\"]"), *end = path;
  if (!path) abort();
  end += sprintf(end, "%s.attributes[\"", table);
  for (size_t i = 0; i < key.len; i++) {
    if (key.ptr[i] == '"' || key.ptr[i] == '\\') *end++ = '\\';
    *end++ = (char)key.ptr[i];
  }
  memcpy(end, "\"]", 3);
  const char *error = otlet_open(path, column);
  free(path);
  return error;
}

// A column of text, one entry a row: freed by otlet_texts_free.
static inline otlet_texts otlet_read(otlet_column column) {
  otlet_texts texts;
  otlet_plugin_batch_packed(column, &texts);
  return texts;
}

static inline size_t otlet_texts_rows(const otlet_texts *texts) { return texts->ends.len; }

// The text of a row, which lives as long as `texts`. False if the row has none.
static inline bool otlet_text_at(const otlet_texts *texts, size_t row, otlet_text *text) {
  if (row >= texts->ends.len || !(texts->present.ptr[row / 8] >> row % 8 & 1)) return false;
  size_t start = row ? texts->ends.ptr[row - 1] : 0;
  *text = (otlet_text){texts->data.ptr + start, texts->ends.ptr[row] - start};
  return true;
}

static inline void otlet_texts_free(otlet_texts *texts) { otlet_plugin_types_packed_texts_free(texts); }

// Columns of numbers: .items.ptr[row], if otlet_has(&numbers.present, row). Freed by otlet_integers_free, otlet_doubles_free.
static inline otlet_integers otlet_read_integers(otlet_column column) {
  otlet_integers integers;
  otlet_plugin_batch_integers(column, &integers);
  return integers;
}

static inline otlet_doubles otlet_read_doubles(otlet_column column) {
  otlet_doubles doubles;
  otlet_plugin_batch_doubles(column, &doubles);
  return doubles;
}

static inline bool otlet_has(const plugin_list_u8_t *present, size_t row) {
  return row / 8 < present->len && (present->ptr[row / 8] >> row % 8 & 1);
}

static inline void otlet_integers_free(otlet_integers *integers) {
  otlet_plugin_types_packed_integers_free(integers);
}

static inline void otlet_doubles_free(otlet_doubles *doubles) { otlet_plugin_types_packed_doubles_free(doubles); }

// The same text into these rows, ascending; NULL is every row.
static inline void otlet_fill_text(otlet_column column, otlet_rows *rows, otlet_text text) {
  otlet_plugin_types_value_t value = {.tag = OTLET_PLUGIN_TYPES_VALUE_TEXT, .val.text = text};
  otlet_plugin_batch_fill(column, rows, &value);
}

// Texts as the contract has them: freed by otlet_texts_free.
static inline otlet_texts otlet_pack(const otlet_text *of, size_t count) {
  otlet_texts texts = {{NULL, 0}, {NULL, count}, {NULL, (count + 7) / 8}};
  for (size_t i = 0; i < count; i++) texts.data.len += of[i].len;
  if (texts.data.len) texts.data.ptr = malloc(texts.data.len);
  if (count) texts.ends.ptr = malloc(count * sizeof *texts.ends.ptr);
  if (count) texts.present.ptr = calloc(texts.present.len, 1);
  if ((texts.data.len && !texts.data.ptr) || (count && (!texts.ends.ptr || !texts.present.ptr))) abort();
  size_t end = 0;
  for (size_t i = 0; i < count; i++) {
    if (of[i].len) memcpy(texts.data.ptr + end, of[i].ptr, of[i].len);
    end += of[i].len;
    texts.ends.ptr[i] = (uint32_t)end;
    texts.present.ptr[i / 8] |= (uint8_t)(1u << i % 8);
  }
  return texts;
}

// One text for each of these rows, ascending; NULL is every row.
static inline void otlet_write(otlet_column column, otlet_rows *rows, const otlet_text *of, size_t count) {
  otlet_texts texts = otlet_pack(of, count);
  otlet_plugin_batch_set_packed(column, rows, &texts);
  otlet_texts_free(&texts);
}

// Removes the attribute, or clears the field, in these rows, ascending; NULL is every row.
static inline void otlet_unset(otlet_column column, otlet_rows *rows) {
  otlet_rows columns = {&column, 1};
  otlet_plugin_batch_unset(&columns, rows);
}

// The batch ---------------------------------------------------------------------------------------------------------

static inline bool otlet_signal_is(const char *signal) {
  otlet_text is;
  otlet_plugin_batch_signal(&is);
  bool same = otlet_is(is, otlet_of(signal));
  plugin_string_free(&is);
  return same;
}

static inline uint32_t otlet_rows_of(const char *table) {
  otlet_text text = otlet_of(table);
  return otlet_plugin_batch_rows(&text);
}

// For each row of `table`, its row in `above`: freed by plugin_list_u32_free.
static inline otlet_rows otlet_parents(const char *table, const char *above) {
  otlet_text text = otlet_of(table), over = otlet_of(above);
  otlet_rows parents;
  otlet_plugin_batch_parents(&text, &over, &parents);
  return parents;
}

// Row numbers to be written or dropped: begins as {0}, freed by plugin_list_u32_free.
static inline void otlet_rows_add(otlet_rows *rows, uint32_t row) {
  // Room doubles at every power of two.
  if ((rows->len & (rows->len - 1)) == 0) {
    rows->ptr = realloc(rows->ptr, (rows->len ? rows->len * 2 : 1) * sizeof *rows->ptr);
    if (!rows->ptr) abort();
  }
  rows->ptr[rows->len++] = row;
}

// Drops these rows, ascending.
static inline void otlet_drop(const char *table, otlet_rows *rows) {
  otlet_text text = otlet_of(table);
  otlet_plugin_batch_drop_rows(&text, rows);
}

// The host ----------------------------------------------------------------------------------------------------------

// Writes a line to the host's log, made as by printf. Levels are "debug", "info", "warn" and "error".
__attribute__((format(printf, 2, 3))) static inline void otlet_log(const char *level, const char *format, ...) {
  char message[1024];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  otlet_text at = otlet_of(level), text = otlet_of(message);
  otlet_plugin_host_log(&at, &text);
}

// Adds to a counter that the host exports under the plugin's name; zero makes none.
static inline void otlet_count(const char *name, uint32_t add) {
  otlet_text text = otlet_of(name);
  if (add) otlet_plugin_host_count(&text, add);
}

#ifndef OTLET_PART
// What the host calls -----------------------------------------------------------------------------------------------

static inline bool otlet_result(const char *error, plugin_string_t *err) {
  if (error) plugin_string_dup(err, error);
  return !error;
}

void exports_otlet_plugin_processor_describe(plugin_string_t *ret) { plugin_string_dup(ret, otlet_describe()); }

bool exports_otlet_plugin_processor_configure(plugin_string_t *config, plugin_string_t *err) {
  plugin_string_free(config);
  return otlet_result(otlet_configure(), err);
}

bool exports_otlet_plugin_processor_process(plugin_string_t *err) { return otlet_result(otlet_process(), err); }
#endif

#endif
