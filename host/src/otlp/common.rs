//! The messages that all signals have: values, attributes, resources, scopes.

use super::{Kind, Message, explicit, list, many, one, plain};

pub(super) static ANY_VALUE: Message = Message {
    fields: &[
        explicit(1, "stringValue", Kind::Text),
        explicit(2, "boolValue", Kind::Boolean),
        explicit(3, "intValue", Kind::Int64),
        explicit(4, "doubleValue", Kind::Double),
        one(5, "arrayValue", &ARRAY_VALUE),
        one(6, "kvlistValue", &KEY_VALUE_LIST),
        explicit(7, "bytesValue", Kind::Bytes),
        explicit(8, "stringValueStrindex", Kind::Int32),
    ],
};

static ARRAY_VALUE: Message = Message {
    fields: &[list(1, "values", &ANY_VALUE)],
};

static KEY_VALUE_LIST: Message = Message {
    fields: &[list(1, "values", &KEY_VALUE)],
};

pub(super) static KEY_VALUE: Message = Message {
    fields: &[
        plain(1, "key", Kind::Text),
        one(2, "value", &ANY_VALUE),
        plain(3, "keyStrindex", Kind::Int32),
    ],
};

pub(super) static SCOPE: Message = Message {
    fields: &[
        plain(1, "name", Kind::Text),
        plain(2, "version", Kind::Text),
        list(3, "attributes", &KEY_VALUE),
        plain(4, "droppedAttributesCount", Kind::Uint32),
    ],
};

static ENTITY_REF: Message = Message {
    fields: &[
        plain(1, "schemaUrl", Kind::Text),
        plain(2, "type", Kind::Text),
        many(3, "idKeys", Kind::Text),
        many(4, "descriptionKeys", Kind::Text),
    ],
};

pub(super) static RESOURCE: Message = Message {
    fields: &[
        list(1, "attributes", &KEY_VALUE),
        plain(2, "droppedAttributesCount", Kind::Uint32),
        list(3, "entityRefs", &ENTITY_REF),
    ],
};
