//! A plain reading of a message: which of its elements are valued, in order. What is said to have become of them is held
//! against this.

/// A segment's name (`???` for a line that is none) and a field, once for each valued element in it; `None` where the
/// charset is not UTF-8, in which a separator may be half of a letter.
pub fn elements(raw: &[u8]) -> Option<Vec<([u8; 3], u16)>> {
    let field_mark = *raw.get(3)?;
    let head = raw.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let fields: Vec<&[u8]> = head.split(|byte| *byte == field_mark).collect();
    let marks: Vec<u8> = fields
        .get(1)?
        .iter()
        .copied()
        .enumerate()
        .filter(|(at, _)| *at != 2 && *at != 4)
        .map(|(_, mark)| mark)
        .collect();
    if std::str::from_utf8(raw).is_err() || fields.get(17).is_some_and(|charset| !charset.is_empty()) {
        return None;
    }
    let end = if raw.contains(&b'\r') { b'\r' } else { b'\n' };
    let mut found = Vec::new();
    for line in raw.split(|byte| *byte == end) {
        let line = trimmed(line);
        let name = line.get(..3).and_then(|name| <[u8; 3]>::try_from(name).ok());
        let plain = |name: &[u8; 3]| {
            name[0].is_ascii_uppercase() && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        match name.filter(plain).filter(|_| line.get(3).is_none_or(|mark| *mark == field_mark)) {
            _ if line.is_empty() => {}
            None => found.push((*b"???", 0)),
            Some(name) => {
                let mut number = 0u16;
                let mut rest = &line[3..];
                if &name == b"MSH" {
                    let own = rest.get(1..).unwrap_or_default();
                    let length = own.iter().position(|byte| *byte == field_mark).unwrap_or(own.len());
                    found.extend((!rest.is_empty()).then_some((name, 1)));
                    found.extend((length > 0).then_some((name, 2)));
                    (rest, number) = (&own[length..], 2);
                }
                for field in rest.split(|byte| *byte == field_mark) {
                    let parts = field.split(|byte| marks.contains(byte)).filter(|part| !part.is_empty());
                    found.extend(parts.map(|_| (name, number)));
                    number = number.saturating_add(1);
                }
            }
        }
    }
    Some(found)
}

/// Without what stands before and behind a segment's text.
fn trimmed(mut line: &[u8]) -> &[u8] {
    while let [b'\n' | b'\r' | b' ' | 0, rest @ ..] = line {
        line = rest;
    }
    while let [rest @ .., b'\n' | b'\r' | 0] = line {
        line = rest;
    }
    line
}
