//! The separators a message declares in MSH-1 and MSH-2. Read from the bytes, never assumed.

/// A message's separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delimiters {
    /// MSH-1, usually `|`.
    pub(crate) field: u8,
    /// The first of MSH-2, usually `^`.
    pub(crate) component: u8,
    /// The second, usually `~`.
    pub(crate) repetition: u8,
    /// The third, usually `\`; zero when the message declares none.
    pub(crate) escape: u8,
    /// The fourth, usually `&`; zero when the message declares none.
    pub(crate) subcomponent: u8,
    /// The fifth (2.7 and later), usually `#`; zero when the message declares none.
    pub(crate) truncation: u8,
}

impl Delimiters {
    /// The usual ones.
    #[cfg(test)]
    pub(crate) const USUAL: Delimiters =
        Delimiters { field: b'|', component: b'^', repetition: b'~', escape: b'\\', subcomponent: b'&', truncation: 0 };

    /// Reads MSH-1 and MSH-2; `None` when they are missing or ambiguous: one character in two roles, a letter, a digit, a
    /// space, a control character or a byte beyond ASCII.
    pub(crate) fn of(message: &[u8]) -> Option<Delimiters> {
        let (&field, rest) = message.strip_prefix(b"MSH")?.split_first()?;
        let end = rest.iter().position(|byte| *byte == field || *byte == b'\r' || *byte == b'\n').unwrap_or(rest.len());
        let declared = rest.get(..end)?;
        // MSH-2 may hold four characters, five (2.7 adds truncation), or, in old systems, fewer.
        if declared.is_empty() || declared.len() > 5 {
            return None;
        }
        let all = std::iter::once(field).chain(declared.iter().copied());
        if !all.clone().all(|byte| byte.is_ascii_punctuation()) {
            return None;
        }
        let distinct: std::collections::BTreeSet<u8> = all.collect();
        if distinct.len() != declared.len() + 1 {
            return None;
        }
        let at = |place: usize| declared.get(place).copied().unwrap_or(0);
        Some(Delimiters {
            field,
            component: at(0),
            repetition: at(1),
            escape: at(2),
            subcomponent: at(3),
            truncation: at(4),
        })
    }

    /// MSH-1 and MSH-2 as they are written.
    pub(crate) fn written(&self) -> Vec<u8> {
        let all = [self.field, self.component, self.repetition, self.escape, self.subcomponent, self.truncation];
        all.into_iter().filter(|byte| *byte != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_read_as_declared() {
        assert_eq!(Delimiters::of(b"MSH|^~\\&|A"), Some(Delimiters::USUAL));
        assert_eq!(Delimiters::of(b"MSH|^~\\&#|A"), Some(Delimiters { truncation: b'#', ..Delimiters::USUAL }));
        assert_eq!(Delimiters::of(b"MSH$%*!@$A").map(|own| own.written()), Some(b"$%*!@".to_vec()));
        assert_eq!(Delimiters::of(b"MSH|^|A").map(|own| own.repetition), Some(0));
    }

    #[test]
    fn ambiguous_separators_are_refused() {
        assert_eq!(Delimiters::of(b"MSH|^~\\^|A"), None, "one character in two roles");
        assert_eq!(Delimiters::of(b"MSH|^~\\|A").map(|own| own.subcomponent), Some(0));
        assert_eq!(Delimiters::of(b"MSHA^~\\&A"), None, "a letter");
        assert_eq!(Delimiters::of(b"MSH||A"), None, "nothing declared");
        assert_eq!(Delimiters::of(b"MSH"), None);
    }
}
