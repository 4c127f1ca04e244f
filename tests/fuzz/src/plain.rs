//! A plain reader of JSON, held against crate `json`: by recursion, over characters, from RFC 8259 and our stricter rules
//! for what it leaves open. Slow on purpose, and shares no line with what it judges.

/// One value: where it stands, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// From its first byte.
    pub start: usize,
    /// To behind its last.
    pub end: usize,
    /// What it is.
    pub what: What,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// `null`, `true`, `false`.
    Word,
    /// A number.
    Number,
    /// A string, decoded.
    Text(String),
    /// An array.
    List(Vec<Plain>),
    /// An object: decoded key, where the key's quote stands, value.
    Object(Vec<(String, usize, Plain)>),
}

impl Plain {
    /// Reads one document, no object or array of which stands deeper than `depth_max`; `None` when it is not to be taken.
    pub fn read(bytes: &[u8], depth_max: usize) -> Option<Plain> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut reader = Reader { text, at: 0, depth_max };
        let value = reader.value(0)?;
        reader.space();
        (reader.at == text.len()).then_some(value)
    }

    /// The value's bytes.
    pub fn raw<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.end]
    }

    /// The member with this decoded key.
    pub fn get(&self, key: &str) -> Option<&Plain> {
        match &self.what {
            What::Object(members) => members.iter().find(|(known, _, _)| known == key).map(|(_, _, value)| value),
            What::Word | What::Number | What::Text(_) | What::List(_) => None,
        }
    }

    /// The decoded text of a string.
    pub fn text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            What::Word | What::Number | What::List(_) | What::Object(_) => None,
        }
    }

    /// The items of a list; anything else is one item.
    pub fn each(&self) -> &[Plain] {
        match &self.what {
            What::List(items) => items,
            What::Word | What::Number | What::Text(_) | What::Object(_) => std::slice::from_ref(self),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth_max: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Steps over a text, if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        let here = self.rest().starts_with(text);
        self.at += if here { text.len() } else { 0 };
        here
    }

    fn value(&mut self, depth: usize) -> Option<Plain> {
        self.space();
        let start = self.at;
        let what = match self.rest().chars().next()? {
            '{' => self.object(depth + 1)?,
            '[' => self.list(depth + 1)?,
            '"' => What::Text(self.string()?),
            '-' | '0'..='9' => self.number()?,
            _ => ["null", "true", "false"].iter().any(|word| self.eat(word)).then_some(What::Word)?,
        };
        Some(Plain { start, end: self.at, what })
    }

    fn object(&mut self, depth: usize) -> Option<What> {
        let mut members: Vec<(String, usize, Plain)> = Vec::new();
        self.eat("{");
        self.space();
        if depth > self.depth_max || self.eat("}") {
            return (depth <= self.depth_max).then_some(What::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            let key = self.string()?;
            self.space();
            if members.iter().any(|(known, _, _)| *known == key) || !self.eat(":") {
                return None;
            }
            let value = self.value(depth)?;
            members.push((key, at, value));
            self.space();
            match (self.eat(","), self.eat("}")) {
                (false, true) => return Some(What::Object(members)),
                (true, false) => {}
                (true, true) | (false, false) => return None,
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<What> {
        let mut items = Vec::new();
        self.eat("[");
        self.space();
        if depth > self.depth_max || self.eat("]") {
            return (depth <= self.depth_max).then_some(What::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.space();
            match (self.eat(","), self.eat("]")) {
                (false, true) => return Some(What::List(items)),
                (true, false) => {}
                (true, true) | (false, false) => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        if !self.eat("\"") {
            return None;
        }
        let mut units: Vec<u16> = Vec::new();
        loop {
            let letter = self.rest().chars().next()?;
            self.at += letter.len_utf8();
            match letter {
                // One half of a pair alone is no text.
                '"' => return String::from_utf16(&units).ok(),
                '\\' => units.push(self.escape()?),
                '\0'..='\u{1f}' => return None,
                _ => units.extend_from_slice(letter.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        let letter = self.rest().chars().next()?;
        self.at += letter.len_utf8();
        match letter {
            '"' | '\\' | '/' => u16::try_from(u32::from(letter)).ok(),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'u' => {
                let digits = self.rest().get(..4)?;
                let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                let unit = u16::from_str_radix(digits, 16).ok().filter(|_| plain);
                self.at += 4;
                unit
            }
            _ => None,
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Option<What> {
        self.eat("-");
        let zero = self.rest().starts_with('0');
        let whole = self.digits();
        if whole == 0 || (zero && whole > 1) || (self.eat(".") && self.digits() == 0) {
            return None;
        }
        if self.eat("e") || self.eat("E") {
            let _sign = self.eat("+") || self.eat("-");
            if self.digits() == 0 {
                return None;
            }
        }
        Some(What::Number)
    }
}
