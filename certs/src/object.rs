//! A strict reader of the JSON objects inside tokens and key sets.
//!
//! A general parser keeps the last of two equal members and may turn one spelling of a number into another, and then two
//! readers of one signed token disagree. This one refuses duplicates (compared as decoded), deep nesting, a byte order
//! mark and anything after the end, and it keeps whole numbers apart from fractions. Never repairs.

use serde_json::{Map, Number, Value};

/// Levels of nesting: claims have three or four, anyone else is playing.
const DEPTH_MAX: usize = 16;

/// Reads exactly one JSON object; `None` for everything else.
pub(crate) fn read(bytes: &[u8]) -> Option<Map<String, Value>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    match value {
        Value::Object(map) if reader.at == text.len() => Some(map),
        Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => None,
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over `byte` if it comes next, after space.
    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.space();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Value::String),
            b'-' | b'0'..=b'9' => self.number().map(Value::Number),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut map = Map::new();
        if self.take(b'}') {
            return Some(Value::Object(map));
        }
        loop {
            self.space();
            let name = self.string()?;
            if !self.take(b':') || map.contains_key(&name) {
                return None;
            }
            let value = self.value(depth + 1)?;
            map.insert(name, value);
            if self.take(b'}') {
                return Some(Value::Object(map));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Some(Value::Array(items));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    /// A string: its end is found here, its escapes are decoded by serde_json.
    fn string(&mut self) -> Option<String> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return None;
        }
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    /// A number: whole ones in the range of `i64` as such, all others as serde_json reads them.
    fn number(&mut self) -> Option<Number> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let lexeme = self.text.get(start..self.at)?;
        let read = serde_json::from_str::<Number>(lexeme).ok()?; // this checks the grammar, so 01 and 1. end here
        Some(lexeme.parse::<i64>().map_or(read, Number::from))
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        let rest: &'a str = self.text.get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word).then_some(value)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::read;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_back(map in prop::collection::btree_map(any::<String>(), any_value(), 0..5)) {
            let map: Map<String, Value> = map.into_iter().collect();
            let text = serde_json::to_string_pretty(&map).unwrap();
            prop_assert_eq!(read(text.as_bytes()), Some(map));
        }

        #[test]
        fn what_is_read_serde_json_reads_alike(text in r#"\{("[ab\\u0061]{1,6}": ?[-0-9.e"\[\]{}a,]{0,8},?){0,3}\}"#) {
            if let Some(map) = read(text.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Map<String, Value>>(&text).unwrap(), map);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            read(&bytes);
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"[{"a":1,"a":1}]"#,
            "\u{feff}{}",
            "{} {}",
            "{}x",
            "",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":+1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\"#,
            r#"{"a":tru}"#,
            r#"{'a':1}"#,
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(read(format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40)).as_bytes()), None);
    }

    #[test]
    fn a_member_cannot_pose_as_a_number() {
        let map =
            read(br#"{"exp":{"$serde_json::private::Number":"1"},"iat":1.0,"nbf":1e3,"big":9223372036854775808}"#)
                .unwrap();
        assert!(map["exp"].is_object());
        assert!(["iat", "nbf", "big"].iter().all(|name| map[*name].as_i64().is_none()));
    }
}
