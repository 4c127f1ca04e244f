//! What is JSON and what is not, by a table, and by properties against serde_json as an independent reader.

use crate::lanes::Portable;
use crate::scan::{scan, scan_with};
use crate::*;
use bytes::Bytes;
use proptest::prelude::*;

fn read(text: impl AsRef<[u8]>) -> Result<Document, Error> {
    Document::parse(Bytes::copy_from_slice(text.as_ref()), &Limits::DEFAULT)
}

fn fault(text: impl AsRef<[u8]>) -> (usize, Fault) {
    let error = read(text).unwrap_err();
    (error.at, error.fault)
}

#[test]
fn what_rfc_8259_allows_is_read() {
    for text in [
        "null",
        " true ",
        "false\n",
        "0",
        "-0",
        "-1.5e+10",
        "1E400",
        "1e-2",
        "\"\"",
        "\"a\\u00e9\\n\"",
        "[]",
        "[ ]",
        "{}",
        "{ }",
        "[1,2 , 3]",
        "{\"a\":{\"b\":[{}]}}",
        "\"\\ud83d\\ude00\"",
        "\"\u{7f}\u{80}\u{10FFFF}\"",
        "{\"\":1}",
        "\"\\/\\b\\f\\r\\t\\\"\\\\\"",
        "[[],[],{}]",
        "{\"a\":1,\"A\":2}",
    ] {
        assert!(read(text).is_ok(), "{text}: {:?}", read(text));
    }
}

#[test]
fn each_fault_is_named_where_it_stands() {
    use Fault::*;
    for (text, at, fault_expected) in [
        ("", 0, Truncated),
        (" ", 1, Truncated),
        ("[1", 2, Truncated),
        ("{\"a\":", 5, Truncated),
        ("\"abc", 4, Truncated),
        ("\"\\", 2, Truncated),
        ("\"\\u12", 5, Truncated),
        ("tru", 0, Truncated),
        ("-", 1, Truncated),
        ("1.", 2, Truncated),
        ("1e", 2, Truncated),
        ("\u{feff}{}", 0, BomFound),
        ("{} x", 3, TrailingBytes),
        ("1 2", 2, TrailingBytes),
        ("01", 1, BadNumber),
        ("1.e5", 2, BadNumber),
        ("+1", 0, Unexpected),
        (".5", 0, Unexpected),
        ("1.2.3", 3, BadNumber),
        ("-a", 1, BadNumber),
        ("1e+", 3, Truncated),
        ("NaN", 0, Unexpected),
        ("\"\\x\"", 2, BadEscape),
        ("\"\\u12G4\"", 2, BadEscape),
        ("\"a\nb\"", 2, ControlCharacter),
        ("\"\u{0}\"", 1, ControlCharacter),
        ("\"\\ud800\"", 1, LoneSurrogate),
        ("\"\\udc00\"", 1, LoneSurrogate),
        ("\"\\ud800\\u0041\"", 1, LoneSurrogate),
        ("\"\\ud800x\"", 1, LoneSurrogate),
        ("[1,]", 3, Unexpected),
        ("{\"a\":1,}", 7, Unexpected),
        ("{a:1}", 1, Unexpected),
        ("[1 2]", 3, Unexpected),
        ("{\"a\" 1}", 5, Unexpected),
        ("[}", 1, Unexpected),
        ("{]", 1, Unexpected),
        ("'a'", 0, Unexpected),
        ("// x\n1", 0, Unexpected),
        ("{\"a\":1,\"a\":2}", 7, DuplicateKey),
        ("nulL", 0, Unexpected),
        ("{\"id\":1,\"\\u0069d\":2}", 8, DuplicateKey),
        ("[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]", 19, DuplicateKey),
    ] {
        assert_eq!(fault(text), (at, fault_expected), "{text}");
    }
    assert_eq!(fault(b"\"\xff\""), (1, NotUtf8));
    assert_eq!(fault(b"\"\xed\xa0\x80\""), (1, NotUtf8), "a surrogate in UTF-8");
    assert_eq!(fault(b"\"\xc0\xaf\""), (1, NotUtf8), "an overlong form");
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(nested(64)).is_ok());
    assert_eq!(fault(nested(65)), (64, Fault::TooDeep));
    assert_eq!(fault("[".repeat(1_000_000)), (64, Fault::TooDeep));
    let small = Limits { bytes_max: 4, depth_max: 1 };
    assert!(Document::parse(Bytes::from("1234"), &small).is_ok());
    assert_eq!(Document::parse(Bytes::from("12345"), &small).unwrap_err().fault, Fault::TooLong);
    assert_eq!(Document::parse(Bytes::from("[[]]"), &small).unwrap_err().fault, Fault::TooDeep);
}

#[test]
fn more_values_than_the_index_may_hold_are_refused() {
    let text = format!("[{}1]", "1,".repeat(NODES_MAX));
    assert_eq!(read(text).unwrap_err().fault, Fault::TooMany);
}

#[test]
fn a_duplicate_among_a_hundred_thousand_keys_is_found() {
    let keys: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\":{n}")).collect();
    assert!(read(format!("{{{}}}", keys.join(","))).is_ok());
    let text = format!("{{{},\"\\u006b77\":0}}", keys.join(","));
    assert_eq!(read(text).unwrap_err().fault, Fault::DuplicateKey);
}

#[test]
fn keys_that_look_alike_are_still_told_apart() {
    assert!(read("{\"abcdefgh1abcdefgh\":1,\"abcdefgh2abcdefgh\":2}").is_ok());
    let alike: Vec<String> = (0..200).map(|n| format!("\"abcdefgh{n}abcdefgh\":{{\"a\":{n}}}")).collect();
    assert!(read(format!("{{{}}}", alike.join(","))).is_ok());
}

#[test]
fn a_duplicate_is_found_whatever_stands_between_the_two() {
    for count in 0..80 {
        let others: Vec<String> = (0..count).map(|n| format!("\"k{n}\":[{{\"id\":{n}}},{{}}]")).collect();
        let text = |key: &str| {
            format!(
                "{{\"id\":{{\"id\":1}},{}\"{key}\":2}}",
                others.iter().map(|one| format!("{one},")).collect::<String>()
            )
        };
        assert!(read(text("ie")).is_ok(), "{count}");
        for twice in ["id", "\\u0069d", "i\\u0064"] {
            let text = text(twice);
            assert_eq!(fault(&text), (text.rfind(",\"").unwrap() + 1, Fault::DuplicateKey), "{count}");
        }
    }
}

#[test]
fn a_key_at_the_very_end_of_the_bytes_is_read_as_any_other() {
    assert_eq!(fault(r#"{"a":1,"a":2}"#), (7, Fault::DuplicateKey));
    assert_eq!(fault(r#"{"a"}"#), (4, Fault::Unexpected));
    assert_eq!(fault(r#"{"a":1,"a""#), (7, Fault::DuplicateKey));
    assert!(read(r#"{"":1,"a":1,"aa":1,"aaa":1}"#).is_ok());
}

#[test]
fn text_is_checked_wherever_a_string_is_cut() {
    for padding in 0..70 {
        let long = "x".repeat(padding);
        for bad in [&b"\xff"[..], b"\xc3", b"\xc3\\n\xa9", b"\xe2\x82", b"\xed\xa0\x80"] {
            let text = [b"[\"", long.as_bytes(), bad, long.as_bytes(), b"\"]"].concat();
            assert_eq!(fault(&text), (padding + 2, Fault::NotUtf8), "{padding} {bad:?}");
        }
        assert!(read(format!("[\"{long}\u{e9}\u{20ac}{long}\\n\u{1F600}\"]")).is_ok());
    }
    // Outside strings nothing but ASCII stands, and bytes that are no text are told before anything else is.
    assert_eq!(fault(b"[1,\xff]"), (3, Fault::NotUtf8));
    assert_eq!(fault(b"[}\xff"), (2, Fault::NotUtf8));
}

#[test]
fn faults_say_where_and_never_what() {
    let error = read("{\"name\":\"Amara\",\"name\":1}").unwrap_err();
    assert_eq!(error.to_string(), "an object has the same key twice (byte 16)");
}

#[test]
fn debug_prints_no_content() {
    let document = read("{\"name\":\"Amara\"}").unwrap();
    let printed = format!("{document:?} {:?}", document.root().get("name"));
    assert!(!printed.contains("Amara") && !printed.contains("name"), "{printed}");
}

#[test]
fn values_are_read_through_spans() {
    let document = read(r#" {"a":[1.10, true,null,"x\n"],"\u0062":{"c":"é"}} "#).unwrap();
    let root = document.root();
    assert_eq!(root.kind(), Kind::Object);
    let items: Vec<_> = root.get("a").unwrap().items().collect();
    assert_eq!(items[0].number(), Some("1.10"));
    assert_eq!(items[1].boolean(), Some(true));
    assert_eq!(items[2].kind(), Kind::Null);
    assert_eq!(items[3].text().unwrap(), "x\n");
    assert!(items[3].is("x\n"));
    let b = root.get("b").unwrap();
    assert_eq!(b.get("c").unwrap().text().unwrap(), "é");
    assert_eq!(b.raw(), "{\"c\":\"é\"}".as_bytes());
    let member = root.members().nth(1).unwrap();
    assert_eq!(member.key, "b");
    assert_eq!(member.raw(), "\"\\u0062\":{\"c\":\"é\"}".as_bytes());
    assert_eq!(document.slice(member.span), "\"\\u0062\":{\"c\":\"é\"}".as_bytes());
    assert!(root.get("c").is_none() && root.items().next().is_none() && items[0].members().next().is_none());
    assert!(items[0].text().is_none() && items[3].number().is_none() && items[0].boolean().is_none());
}

#[test]
fn a_detached_value_is_a_document_of_its_own() {
    let document = read(r#"{"x":[0,{"a":[1,{"b":"c"}],"d":2}]}"#).unwrap();
    let inner = document.root().get("x").unwrap().items().nth(1).unwrap().detach();
    assert_eq!(inner.bytes(), r#"{"a":[1,{"b":"c"}],"d":2}"#.as_bytes());
    assert_eq!(inner.root().get("d").unwrap().number(), Some("2"));
    let b = inner.root().get("a").unwrap().items().nth(1).unwrap();
    assert!(b.get("b").unwrap().is("c"));
}

#[test]
fn the_writer_places_commas_and_escapes() {
    let mut writer = Writer::new();
    writer.begin_object().member("a\"", "x\\\u{1}\n").key("b").begin_array().integer(1).number("1.10").number("1.");
    writer.boolean(true).null().begin_object().end_object().raw(b"[2]").end_array().key("c").string("").end_object();
    let text = writer.finish();
    assert_eq!(text, br#"{"a\"":"x\\\u0001\n","b":[1,1.10,"1.",true,null,{},[2]],"c":""}"#);
    assert!(read(text).is_ok());
}

#[test]
fn numbers_are_told_from_what_only_looks_like_one() {
    for good in ["0", "-0", "1.10", "1e5", "12.0E-3"] {
        assert!(is_number(good), "{good}");
    }
    for bad in ["", "-", "+1", "01", "1.", ".1", "1e", "1 ", " 1", "1,000", "0x1", "Infinity"] {
        assert!(!is_number(bad), "{bad}");
    }
}

/// Any JSON value, small enough to shrink well.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[a-z\"\\\\\u{0}-\u{20}\u{e9}\u{1F600}]{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(serde_json::Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..20)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Writes a value again through the writer, by what the reader says of it.
fn rewrite(value: Value<'_>, writer: &mut Writer) {
    match value.kind() {
        Kind::Null => drop(writer.null()),
        Kind::Bool => drop(writer.boolean(value.boolean().unwrap())),
        Kind::Number => drop(writer.number(value.number().unwrap())),
        Kind::String => drop(writer.string(&value.text().unwrap())),
        Kind::Array => {
            writer.begin_array();
            value.items().for_each(|item| rewrite(item, writer));
            writer.end_array();
        }
        Kind::Object => {
            writer.begin_object();
            for member in value.members() {
                writer.key(&member.key);
                rewrite(member.value, writer);
                assert_eq!(value.get(&member.key).unwrap().index(), member.value.index());
            }
            writer.end_object();
        }
    }
}

/// Every value's raw span must itself be a document that says the same.
fn check_spans(value: Value<'_>) {
    let again = read(value.raw()).unwrap();
    assert_eq!(again.root().kind(), value.kind());
    assert_eq!(again.root().index_end(), value.index_end() - value.index());
    value.items().for_each(check_spans);
    value.members().for_each(|member| check_spans(member.value));
}

proptest! {
    #[test]
    fn what_is_read_and_written_again_is_the_same(json in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        let document = read(&text).unwrap();
        let mut writer = Writer::new();
        rewrite(document.root(), &mut writer);
        let written = writer.finish();
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).unwrap(), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        if !pretty {
            prop_assert_eq!(read(&written).unwrap().root().index_end(), document.root().index_end());
        }
        check_spans(document.root());
    }

    /// A byte changed, added or lost anywhere: we and serde_json agree on what is JSON, but for what we alone refuse.
    #[test]
    fn damaged_text_is_judged_as_serde_json_judges_it(
        json in any_json(), at in any::<prop::sample::Index>(), byte in prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\u0e.-+ \ntfnd8".to_vec())], how in 0..3,
    ) {
        let mut text = serde_json::to_vec(&json).unwrap();
        let at = at.index(text.len());
        match how {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            _ => drop(text.remove(at)),
        }
        let theirs = std::str::from_utf8(&text).is_ok() && serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok();
        match read(&text) {
            Ok(_) => prop_assert!(theirs),
            Err(Error { fault: Fault::DuplicateKey | Fault::LoneSurrogate, .. }) => {}
            Err(_) => prop_assert!(!theirs),
        }
    }

    /// What this processor does quickly, it does as every other.
    #[test]
    fn both_ways_of_reading_say_the_same_of_damaged_text(
        json in any_json(), pretty in any::<bool>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..4,
    ) {
        let mut text = if pretty { serde_json::to_vec_pretty(&json) } else { serde_json::to_vec(&json) }.unwrap();
        let at = at.index(text.len());
        match how {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            2 => text.truncate(at),
            _ => {}
        }
        prop_assert_eq!(scan(&text, &Limits::DEFAULT), scan_with(Portable, &text, &Limits::DEFAULT));
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(document) = read(bytes) {
            check_spans(document.root());
        }
    }
}
