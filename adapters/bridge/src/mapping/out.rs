//! JSON written straight from a message, without a tree: an object or array appears only once something stands in it.

/// A writer of one JSON object whose inner objects and arrays open when first written into.
///
/// FHIR forbids empty objects and arrays; entering a level therefore writes nothing yet.
#[derive(Debug, Default)]
pub struct Out {
    bytes: Vec<u8>,
    levels: Vec<Level>,
    /// How many of the levels something stands in: always the outer ones.
    opened: usize,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// The member's name; empty for an element of an array.
    name: &'static str,
    array: bool,
}

impl Out {
    /// Begins a resource.
    pub fn resource(kind: &str, id: &str) -> Out {
        let mut out = Out { bytes: Vec::with_capacity(1024), levels: Vec::with_capacity(12), opened: 0 };
        out.bytes.extend_from_slice(b"{\"resourceType\":\"");
        out.bytes.extend_from_slice(kind.as_bytes());
        out.bytes.extend_from_slice(b"\",\"id\":\"");
        out.bytes.extend_from_slice(id.as_bytes());
        out.bytes.push(b'"');
        out
    }

    /// Ends the resource and gives its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.levels.is_empty() {
            self.leave();
        }
        self.bytes.push(b'}');
        self.bytes
    }

    /// Enters an object that is the member `name`, or, with an empty name, an element of the array around.
    #[inline]
    pub fn object(&mut self, name: &'static str) {
        self.levels.push(Level { name, array: false });
    }

    /// Enters an array that is the member `name`.
    pub fn array(&mut self, name: &'static str) {
        self.levels.push(Level { name, array: true });
    }

    /// Leaves the innermost level; it is closed if anything was written into it.
    pub fn leave(&mut self) {
        if let Some(level) = self.levels.pop()
            && self.opened > self.levels.len()
        {
            self.opened = self.levels.len();
            self.bytes.push(if level.array { b']' } else { b'}' });
        }
    }

    /// Whether anything stands in the innermost level yet. The resource itself always holds its type.
    pub fn opened(&self) -> bool {
        self.opened == self.levels.len()
    }

    /// Whether anything stands in the level that was entered as the `depth`th; in the resource itself, always.
    pub fn opened_at(&self, depth: usize) -> bool {
        depth <= self.opened
    }

    /// Writes members that were written before, with the comma before them.
    pub fn members(&mut self, members: &[u8]) {
        self.open();
        self.bytes.extend_from_slice(members);
    }

    /// What is written from a place on.
    pub fn since(&self, place: usize) -> &[u8] {
        self.bytes.get(place..).unwrap_or_default()
    }

    /// How many bytes are written.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many levels are entered.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Writes a string member, or, with an empty name, an element. Names are plain words.
    pub fn string(&mut self, name: &str, value: &str) {
        self.open();
        self.bytes.reserve(name.len() + value.len() + 8);
        self.key(name);
        quote(&mut self.bytes, value);
    }

    /// As [`Out::string`], for a text of ours that holds nothing that JSON escapes.
    pub fn plain(&mut self, name: &str, value: &'static str) {
        self.open();
        self.bytes.reserve(name.len() + value.len() + 8);
        self.key(name);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(b'"');
    }

    /// Writes the member that refers to a resource of ours, whose type and id are plain.
    pub fn reference(&mut self, kind: &str, id: &str) {
        self.open();
        self.key("reference");
        for part in ["\"", kind, "/", id, "\""] {
            self.bytes.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes a number, `true` or `false`, exactly as given.
    pub fn raw(&mut self, name: &str, value: &str) {
        self.open();
        self.key(name);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    #[inline]
    fn open(&mut self) {
        if self.opened < self.levels.len() {
            self.open_all();
        }
    }

    fn open_all(&mut self) {
        for place in self.opened..self.levels.len() {
            let Level { name, array } = self.levels[place];
            self.key(name);
            self.bytes.push(if array { b'[' } else { b'{' });
        }
        self.opened = self.levels.len();
    }

    #[inline]
    fn key(&mut self, name: &str) {
        if !matches!(self.bytes.last(), Some(b'{' | b'[') | None) {
            self.bytes.push(b',');
        }
        if !name.is_empty() {
            // Names come from maps and are plain.
            self.bytes.push(b'"');
            self.bytes.extend_from_slice(name.as_bytes());
            self.bytes.extend_from_slice(b"\":");
        }
    }
}

/// Writes a JSON string. Control characters that FHIR's `string` forbids become spaces.
fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(plain) = special(rest) {
        let (before, from) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((special, after)) = from.split_first() else { break };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _control => out.push(b' '),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Where the first byte stands that cannot stand in a string as it is. Most texts have none: eight bytes are looked at
/// together, and the last eight may overlap those before.
#[inline]
fn special(text: &[u8]) -> Option<usize> {
    let (chunks, _rest) = text.as_chunks::<8>();
    let plain = chunks.iter().take_while(|chunk| specials(chunk) == 0).count();
    if plain == chunks.len() && text.last_chunk().is_some_and(|last| specials(last) == 0) {
        return None;
    }
    text.iter().skip(plain * 8).position(|byte| is_special(*byte)).map(|place| plain * 8 + place)
}

/// Whether any of eight bytes is special: its highest bit is set for at least one that is, and for none where none is.
#[inline]
fn specials(chunk: &[u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let all = u64::from_ne_bytes(*chunk);
    // A byte below `n` borrows from its highest bit, and one that has that bit set itself is a letter of no ASCII.
    let below = |bytes: u64, n: u64| bytes.wrapping_sub(ONES * n) & !bytes & HIGH;
    below(all, 0x20) | below(all ^ (ONES * u64::from(b'"')), 1) | below(all ^ (ONES * u64::from(b'\\')), 1)
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_stay_empty_are_never_written() {
        let mut out = Out::resource("Specimen", "1");
        out.object("collection");
        out.array("extension");
        out.leave();
        assert!(!out.opened());
        out.leave();
        out.array("note");
        out.object("");
        out.string("text", "a \"b\"\n\u{1}");
        out.leave();
        out.leave();
        let text = String::from_utf8(out.finish()).expect("JSON is UTF-8");
        assert_eq!(text, r#"{"resourceType":"Specimen","id":"1","note":[{"text":"a \"b\"\n "}]}"#);
    }

    #[test]
    fn whatever_cannot_stand_in_a_string_is_found_wherever_it_is() {
        for length in 0..70 {
            assert_eq!(special(&vec![b'a'; length]), None);
            for place in 0..length {
                for odd in [b'"', b'\\', 0, 0x1f] {
                    let mut text = vec![b'a'; length];
                    text[place] = odd;
                    assert_eq!(special(&text), Some(place));
                    text[length - 1] = b'"';
                    assert_eq!(special(&text), Some(place));
                }
            }
        }
    }
}
