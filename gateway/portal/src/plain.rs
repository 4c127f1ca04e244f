//! Texts from outside, made fit to stand on a page: names of apps, of their owners, of people.
//!
//! Escaping keeps a name from being markup; this keeps it from being a disguise. What turns the direction of writing,
//! takes no room or breaks the line is left out, heaps of accents are cut down, and a long name is shortened.

/// Characters of a name that a page shows; longer ones end in an ellipsis.
const SHOWN_CHARACTERS_MAX: usize = 80;
/// Accents on one letter; living languages need two.
const MARKS_MAX: usize = 2;

/// The text as it may be shown; empty when nothing is left of it.
pub fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut count = 0;
    let mut marks = 0;
    for letter in text.chars() {
        let letter = if letter.is_whitespace() { ' ' } else { letter };
        if is_disguise(letter) || (letter == ' ' && (shown.is_empty() || shown.ends_with(' '))) {
            continue;
        }
        marks = if is_mark(letter) { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            continue;
        }
        if count == SHOWN_CHARACTERS_MAX {
            shown.push('…');
            break;
        }
        shown.push(letter);
        count += 1;
    }
    shown.trim_end().to_owned()
}

/// Control characters, and the format characters of Unicode: directions, joiners, blanks without width, tags.
fn is_disguise(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Combining marks that are drawn on the letter before.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_as_it_is() {
        for name in [
            "Reader",
            "Mi Salud — app",
            "María José Ñuñez",
            "健康アプリ",
            "قارئ",
            "O'Neill & <Sons>",
            "e\u{301}\u{302}",
        ] {
            assert_eq!(plain(name), name);
        }
    }

    #[test]
    fn disguises_are_taken_off() {
        assert_eq!(plain("\u{202e}txeT\u{202c} good"), "txeT good");
        assert_eq!(plain("A\u{200b}B\u{2066}C\u{feff}\u{0}\u{1b}[2J"), "ABC[2J");
        assert_eq!(plain("  one\r\n\ttwo\u{2029}three \u{a0} "), "one two three");
        assert_eq!(plain("\u{3164}\u{200d}\u{e0041}"), "");
    }

    #[test]
    fn long_names_and_heaps_of_accents_are_cut() {
        assert_eq!(plain(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(plain(&"x".repeat(5000)), format!("{}…", "x".repeat(80)));
        assert_eq!(plain(&format!("e{}", "\u{301}".repeat(500))), "e\u{301}\u{301}");
    }
}
