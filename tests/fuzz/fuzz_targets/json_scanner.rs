//! JSON: what is taken, and what every handle then says, is what a plain reader says; serde_json is a third opinion.
#![no_main]

use fuzz::plain::{Plain, What};
use json::{Document, Kind, Limits, Value, Writer, is_number};
use libfuzzer_sys::fuzz_target;

/// A second bound for depth, which short inputs reach.
const SHALLOW: Limits = Limits { bytes_max: 512, depth_max: 3 };

fuzz_target!(|bytes: &[u8]| {
    for limits in [Limits::DEFAULT, SHALLOW] {
        let expected = Plain::read(bytes, limits.depth_max).filter(|_| bytes.len() <= limits.bytes_max);
        match (Document::parse(bytes.to_vec().into(), &limits), &expected) {
            (Ok(document), Some(plain)) => {
                assert_eq!(&document.bytes()[..], bytes);
                same(document.root(), plain, bytes);
                assert!(document.at(document.root().index_end()).is_none());
            }
            (Err(why), None) => assert!(why.at <= bytes.len(), "{why}"),
            (Ok(_), None) => panic!("taken, and should not be"),
            (Err(why), Some(_)) => panic!("refused, and should not be: {why}"),
        }
    }
    third_opinion(bytes);
    texts(bytes);
});

fn kind(plain: &Plain, bytes: &[u8]) -> Kind {
    match &plain.what {
        What::Word if plain.raw(bytes) == b"null" => Kind::Null,
        What::Word => Kind::Bool,
        What::Number => Kind::Number,
        What::Text(_) => Kind::String,
        What::List(_) => Kind::Array,
        What::Object(_) => Kind::Object,
    }
}

fn same(value: Value<'_>, plain: &Plain, bytes: &[u8]) {
    assert_eq!((value.kind(), value.span()), (kind(plain, bytes), plain.start..plain.end));
    assert_eq!(value.raw(), plain.raw(bytes));
    assert_eq!(value.text().as_deref(), plain.text());
    assert_eq!(value.text_bytes().as_deref(), plain.text().map(str::as_bytes));
    assert_eq!(value.number().is_some(), plain.what == What::Number);
    let truth = (kind(plain, bytes) == Kind::Bool).then(|| plain.raw(bytes) == b"true");
    assert_eq!(value.boolean(), truth);
    assert!(plain.text().is_none_or(|text| value.is(text) && !value.is(&format!("{text}x"))));
    let (members, items) = match &plain.what {
        What::Object(members) => (members.as_slice(), &[][..]),
        What::List(items) => (&[][..], items.as_slice()),
        What::Word | What::Number | What::Text(_) => (&[][..], &[][..]),
    };
    assert_eq!(value.members().count(), members.len());
    for (member, (key, at, plain)) in value.members().zip(members) {
        assert_eq!((member.key.as_ref(), member.span.clone()), (key.as_str(), *at..plain.end));
        assert_eq!(member.raw(), &bytes[*at..plain.end]);
        assert_eq!(value.get(key).map(Value::index), Some(member.value.index()));
        same(member.value, plain, bytes);
    }
    assert_eq!(value.fields().count(), members.len());
    for (field, (key, at, plain)) in value.fields().zip(members) {
        assert_eq!((&field.key()[..], field.span()), (key.as_bytes(), *at..plain.end));
        assert!(field.is(key) && field.raw() == &bytes[*at..plain.end] && field.value.span().end == plain.end);
    }
    assert_eq!(value.items().count(), items.len());
    for (item, plain) in value.items().zip(items) {
        same(item, plain, bytes);
    }
    let alone = value.detach();
    assert_eq!(&alone.bytes()[..], value.raw());
    assert_eq!(alone.root().index_end(), value.index_end() - value.index());
    assert!(value.document().at(value.index()).is_some_and(|again| again.span() == value.span()));
}

/// What is taken reads the same in serde_json, which rounds numbers and takes doubled keys.
fn third_opinion(bytes: &[u8]) {
    let Ok(document) = Document::parse(bytes.to_vec().into(), &Limits::DEFAULT) else { return };
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(theirs) => alike(document.root(), &theirs),
        Err(why) => assert!(why.to_string().contains("number out of range"), "{why}"),
    }
}

fn alike(value: Value<'_>, theirs: &serde_json::Value) {
    match theirs {
        serde_json::Value::Null => assert_eq!(value.kind(), Kind::Null),
        serde_json::Value::Bool(truth) => assert_eq!(value.boolean(), Some(*truth)),
        serde_json::Value::Number(_) => assert_eq!(value.kind(), Kind::Number),
        serde_json::Value::String(text) => assert_eq!(value.text().as_deref(), Some(text.as_str())),
        serde_json::Value::Array(items) => {
            assert_eq!(value.items().count(), items.len());
            value.items().zip(items).for_each(|(item, theirs)| alike(item, theirs));
        }
        serde_json::Value::Object(members) => {
            assert_eq!(value.members().count(), members.len());
            for (member, (key, theirs)) in value.members().zip(members) {
                assert_eq!(member.key, key.as_str());
                alike(member.value, theirs);
            }
        }
    }
}

/// A text that is written is read back, and a number is one by itself exactly when it is one in a document.
fn texts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let number = Plain::read(bytes, 0).is_some_and(|plain| plain.what == What::Number && plain.raw(bytes) == bytes);
    assert_eq!(is_number(text), number);
    let mut writer = Writer::new();
    writer.begin_object().key(text).string(text).end_object();
    let document = Document::parse(writer.finish().into(), &Limits::DEFAULT).expect("what is written can be read");
    assert!(document.root().get(text).is_some_and(|value| value.is(text)));
}
