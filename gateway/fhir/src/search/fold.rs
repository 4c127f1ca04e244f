//! Text as searches compare it: without case, accents and doubled blanks.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Folds a text: compatibility decomposition, marks dropped, lower case, blanks made single and trimmed.
///
/// Letters that Unicode does not decompose (`ø`, `ł`, `ß`) fall to what people type instead of them.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // Lower case first: `İ` becomes `i` and a mark, which then goes. And once more: what is decomposed may be a capital (`ꟸ`).
    for letter in
        DecomposingNormalizerBorrowed::new_nfkd().normalize(&text.to_lowercase()).chars().flat_map(char::to_lowercase)
    {
        match letter {
            // Combining marks of Latin, Greek and Cyrillic; those of other scripts carry meaning and stay.
            '\u{300}'..='\u{36F}' => {}
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            '‘' | '’' | 'ʼ' => folded.push('\''),
            blank if blank.is_whitespace() || blank.is_control() => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            other => folded.push(other),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_type_finds_what_is_written() {
        for (written, typed) in [
            ("Müller", "MULLER"),
            ("O’Brien", "o'brien"),
            ("Nguyễn Thị", "nguyen thi"),
            ("Łukasz Dąbrowski", "lukasz dabrowski"),
            ("Groß", "gross"),
            ("  Ana \t María ", "ana maria"),
            ("İpek", "ipek"),
            ("Ørsted", "orsted"),
            ("ﬁ", "fi"),
            ("Παπαδόπουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ"),
            ("ꟸ", "h"),
        ] {
            assert_eq!(fold(written), fold(typed), "{written}");
        }
        assert_ne!(fold("Ann"), fold("Anne"));
        assert_eq!(fold("\u{301} "), "");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,30}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
