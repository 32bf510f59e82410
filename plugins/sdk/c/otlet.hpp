// Plugins in C++20 over the generated C bindings (generated/plugin.h), with string_view, vector and RAII. It speaks version
// 0.1.0 of the contract, wit/plugin.wit, whose comments say what each function does. Include it in one file of the plugin,
// which ends with OTLET_PLUGIN. There are no exceptions in a plugin: what can fail gives an Error.
#ifndef OTLET_HPP
#define OTLET_HPP

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {
#include "generated/plugin.h"
}

namespace otlet {

// What went wrong, or nothing.
using Error = std::optional<std::string>;

// One processor, configured.
class Plugin {
 public:
  virtual ~Plugin() = default;
  // Works on the batch in hand. On an error the batch is what it was before.
  virtual Error process() = 0;
};

namespace detail {

inline plugin_string_t given(std::string_view text) {
  return {reinterpret_cast<uint8_t *>(const_cast<char *>(text.data())), text.size()};
}

inline plugin_list_u32_t given(std::span<const uint32_t> rows) {
  return {const_cast<uint32_t *>(rows.data()), rows.size()};
}

inline std::string_view view(const plugin_string_t &text) {
  return {reinterpret_cast<const char *>(text.ptr), text.len};
}

inline std::string taken(plugin_string_t text) {
  std::string copy(view(text));
  plugin_string_free(&text);
  return copy;
}

inline std::vector<std::string> taken(plugin_list_string_t list) {
  std::vector<std::string> copy;
  copy.reserve(list.len);
  for (size_t i = 0; i < list.len; i++) copy.emplace_back(view(list.ptr[i]));
  plugin_list_string_free(&list);
  return copy;
}

inline bool has(const plugin_list_u8_t &present, size_t row) {
  return row / 8 < present.len && (present.ptr[row / 8] >> row % 8 & 1);
}

}  // namespace detail

// Config ------------------------------------------------------------------------------------------------------------

// A value of the config, an attribute or a log's body. Arrays and maps are JSON.
class Value {
 public:
  explicit Value(otlet_plugin_types_value_t value) : value_(value) {}
  Value(Value &&other) noexcept : value_(std::exchange(other.value_, {})) {}
  Value(const Value &) = delete;
  Value &operator=(const Value &) = delete;
  ~Value() { otlet_plugin_types_value_free(&value_); }

  // The text, which lives as long as the value.
  std::optional<std::string_view> text() const {
    if (value_.tag != OTLET_PLUGIN_TYPES_VALUE_TEXT) return std::nullopt;
    return detail::view(value_.val.text);
  }
  std::optional<int64_t> integer() const {
    if (value_.tag != OTLET_PLUGIN_TYPES_VALUE_INTEGER) return std::nullopt;
    return value_.val.integer;
  }
  std::optional<double> number() const {
    if (value_.tag == OTLET_PLUGIN_TYPES_VALUE_INTEGER) return static_cast<double>(value_.val.integer);
    if (value_.tag != OTLET_PLUGIN_TYPES_VALUE_DOUBLE) return std::nullopt;
    return value_.val.double_;
  }
  std::optional<bool> boolean() const {
    if (value_.tag != OTLET_PLUGIN_TYPES_VALUE_BOOLEAN) return std::nullopt;
    return value_.val.boolean;
  }

 private:
  otlet_plugin_types_value_t value_;
};

// The pointer to what stands under a key of the config.
inline std::string child(std::string_view pointer, std::string_view key) {
  std::string path(pointer);
  path += '/';
  for (char c : key) {
    if (c == '~') path += "~0";
    else if (c == '/') path += "~1";
    else path += c;
  }
  return path;
}

// What stands in the config at a JSON pointer ("/attribute").
inline std::optional<Value> setting(std::string_view pointer) {
  plugin_string_t path = detail::given(pointer);
  otlet_plugin_types_value_t value;
  if (!otlet_plugin_host_setting(&path, &value)) return std::nullopt;
  return Value(value);
}

// The text there, or `otherwise`.
inline std::string setting_text(std::string_view pointer, std::string_view otherwise = "") {
  if (auto value = setting(pointer)) return std::string(value->text().value_or(otherwise));
  return std::string(otherwise);
}

// The keys of the object there, or "0", "1" and so on of the array.
inline std::vector<std::string> settings(std::string_view pointer) {
  plugin_string_t path = detail::given(pointer);
  plugin_list_string_t keys;
  otlet_plugin_host_settings(&path, &keys);
  return detail::taken(keys);
}

// Columns -----------------------------------------------------------------------------------------------------------

// A column of texts, one entry a row.
class Texts {
 public:
  explicit Texts(otlet_plugin_types_packed_texts_t packed) : packed_(packed) {}
  Texts(const Texts &) = delete;
  Texts &operator=(const Texts &) = delete;
  ~Texts() { otlet_plugin_types_packed_texts_free(&packed_); }

  size_t size() const { return packed_.ends.len; }
  // The text of a row, which lives as long as the column.
  std::optional<std::string_view> operator[](size_t row) const {
    if (row >= size() || !detail::has(packed_.present, row)) return std::nullopt;
    size_t start = row ? packed_.ends.ptr[row - 1] : 0;
    return std::string_view(reinterpret_cast<const char *>(packed_.data.ptr) + start, packed_.ends.ptr[row] - start);
  }

 private:
  otlet_plugin_types_packed_texts_t packed_;
};

// A column of an attribute or field. Its functions work on the batch in hand; rows are named ascending, and none is every row.
class Column {
 public:
  using Rows = std::optional<std::span<const uint32_t>>;

  // Opens it by its path, once, when the plugin is made.
  static Error open(std::string_view path, Column &column) {
    plugin_string_t text = detail::given(path), error;
    if (otlet_plugin_batch_column(&text, &column.number_, &error)) return std::nullopt;
    return detail::taken(error);
  }
  // Opens that of an attribute whose key is not known beforehand.
  static Error open_attribute(std::string_view table, std::string_view key, Column &column) {
    std::string path(table);
    path += ".attributes[\"";
    for (char c : key) {
      if (c == '"' || c == '\\') path += '\\';
      path += c;
    }
    return open(path + "\"]", column);
  }

  Texts texts() const {
    otlet_plugin_types_packed_texts_t packed;
    otlet_plugin_batch_packed(number_, &packed);
    return Texts(packed);
  }
  std::vector<std::optional<int64_t>> integers() const {
    otlet_plugin_types_packed_integers_t packed;
    otlet_plugin_batch_integers(number_, &packed);
    std::vector<std::optional<int64_t>> integers(packed.items.len);
    for (size_t i = 0; i < packed.items.len; i++) {
      if (detail::has(packed.present, i)) integers[i] = packed.items.ptr[i];
    }
    otlet_plugin_types_packed_integers_free(&packed);
    return integers;
  }
  std::vector<std::optional<double>> doubles() const {
    otlet_plugin_types_packed_doubles_t packed;
    otlet_plugin_batch_doubles(number_, &packed);
    std::vector<std::optional<double>> doubles(packed.items.len);
    for (size_t i = 0; i < packed.items.len; i++) {
      if (detail::has(packed.present, i)) doubles[i] = packed.items.ptr[i];
    }
    otlet_plugin_types_packed_doubles_free(&packed);
    return doubles;
  }
  std::optional<Value> value(uint32_t row) const {
    otlet_plugin_types_value_t value;
    if (!otlet_plugin_batch_get(number_, row, &value)) return std::nullopt;
    return Value(value);
  }

  // One text for each of these rows.
  void set_texts(Rows rows, std::span<const std::string_view> texts) const {
    std::string data;
    std::vector<uint32_t> ends;
    std::vector<uint8_t> present((texts.size() + 7) / 8);
    for (std::string_view text : texts) {
      present[ends.size() / 8] |= static_cast<uint8_t>(1 << ends.size() % 8);
      data += text;
      ends.push_back(static_cast<uint32_t>(data.size()));
    }
    otlet_plugin_types_packed_texts_t packed = {
        {reinterpret_cast<uint8_t *>(data.data()), data.size()},
        {ends.data(), ends.size()},
        {present.data(), present.size()},
    };
    with(rows, [&](plugin_list_u32_t *rows) { otlet_plugin_batch_set_packed(number_, rows, &packed); });
  }
  // The same value into these rows: the cheapest edit.
  void fill(Rows rows, std::string_view text) const {
    otlet_plugin_types_value_t value = {.tag = OTLET_PLUGIN_TYPES_VALUE_TEXT, .val = {.text = detail::given(text)}};
    with(rows, [&](plugin_list_u32_t *rows) { otlet_plugin_batch_fill(number_, rows, &value); });
  }
  void fill(Rows rows, int64_t integer) const {
    otlet_plugin_types_value_t value = {.tag = OTLET_PLUGIN_TYPES_VALUE_INTEGER, .val = {.integer = integer}};
    with(rows, [&](plugin_list_u32_t *rows) { otlet_plugin_batch_fill(number_, rows, &value); });
  }
  // Removes the attribute, or clears the field.
  void unset(Rows rows) const {
    uint32_t number = number_;
    plugin_list_u32_t columns = {&number, 1};
    with(rows, [&](plugin_list_u32_t *rows) { otlet_plugin_batch_unset(&columns, rows); });
  }

 private:
  template <typename Call>
  static void with(Rows rows, Call call) {
    if (!rows) return call(nullptr);
    plugin_list_u32_t list = detail::given(*rows);
    call(&list);
  }

  uint32_t number_ = 0;
};

// The batch in hand -------------------------------------------------------------------------------------------------

// "traces", "metrics" or "logs".
inline std::string signal() {
  plugin_string_t signal;
  otlet_plugin_batch_signal(&signal);
  return detail::taken(signal);
}

inline uint32_t rows(std::string_view table) {
  plugin_string_t name = detail::given(table);
  return otlet_plugin_batch_rows(&name);
}

// For each row of `table`, its row in `above`.
inline std::vector<uint32_t> parents(std::string_view table, std::string_view above) {
  plugin_string_t name = detail::given(table), over = detail::given(above);
  plugin_list_u32_t list;
  otlet_plugin_batch_parents(&name, &over, &list);
  std::vector<uint32_t> parents(list.ptr, list.ptr + list.len);
  plugin_list_u32_free(&list);
  return parents;
}

// Drops these rows, ascending.
inline void drop(std::string_view table, std::span<const uint32_t> rows) {
  plugin_string_t name = detail::given(table);
  plugin_list_u32_t list = detail::given(rows);
  otlet_plugin_batch_drop_rows(&name, &list);
}

// The host ----------------------------------------------------------------------------------------------------------

// Writes a line to the host's log. Levels are "debug", "info", "warn" and "error".
inline void log(std::string_view level, std::string_view message) {
  plugin_string_t at = detail::given(level), text = detail::given(message);
  otlet_plugin_host_log(&at, &text);
}

// Adds to a counter that the host exports under the plugin's name; zero makes none.
inline void count(std::string_view name, size_t add) {
  plugin_string_t text = detail::given(name);
  if (add) otlet_plugin_host_count(&text, static_cast<uint32_t>(add));
}

namespace detail {

inline std::unique_ptr<Plugin> plugin;

inline bool result(const Error &error, plugin_string_t *err) {
  if (error) plugin_string_dup_n(err, error->data(), error->size());
  return !error;
}

}  // namespace detail
}  // namespace otlet

// Makes the exports of a manifest (JSON) and a function that configures the plugin:
// `otlet::Error make(std::unique_ptr<otlet::Plugin> &plugin)`.
#define OTLET_PLUGIN(manifest, make)                                                              \
  extern "C" void exports_otlet_plugin_processor_describe(plugin_string_t *ret) {                 \
    plugin_string_dup(ret, manifest);                                                             \
  }                                                                                               \
  extern "C" bool exports_otlet_plugin_processor_configure(plugin_string_t *config, plugin_string_t *err) { \
    plugin_string_free(config);                                                                   \
    return otlet::detail::result(make(otlet::detail::plugin), err);                               \
  }                                                                                               \
  extern "C" bool exports_otlet_plugin_processor_process(plugin_string_t *err) {                  \
    return otlet::detail::result(otlet::detail::plugin->process(), err);                          \
  }

#endif
