//! Some fixed names, and which of them a text is: found in constant time, for names that are met millions of times a second.

/// Names in the order they were added, and where each is found by how it looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<Box<[u8]>>,
    /// The place of a name, plus one; each stands at the seat that its look gives, or behind it where that was taken.
    seats: Vec<u16>,
}

impl Names {
    /// The place of a name, which is added if it is not there. At most 65,535 names fit; they come from tables of ours.
    pub fn add(&mut self, name: &str) -> usize {
        if let Some(place) = self.find(name.as_bytes()) {
            return place;
        }
        self.names.push(name.as_bytes().into());
        // At least three seats in four are free, so that most texts that are no name meet a free one at once.
        let count = (self.names.len() * 4).next_power_of_two();
        let (from, to) = if count > self.seats.len() { (0, count) } else { (self.names.len() - 1, self.seats.len()) };
        if from == 0 {
            self.seats = vec![0; to];
        }
        for place in from..self.names.len() {
            let mut seat = look(&self.names[place]) & (to - 1);
            while self.seats[seat] != 0 {
                seat = (seat + 1) & (to - 1);
            }
            self.seats[seat] = place as u16 + 1;
        }
        self.names.len() - 1
    }

    /// The place of the name that a text is.
    #[inline]
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        let last = self.seats.len().wrapping_sub(1);
        let mut seat = look(text) & last;
        loop {
            let place = usize::from(*self.seats.get(seat)?).checked_sub(1)?;
            if *self.names[place] == *text {
                return Some(place);
            }
            seat = (seat + 1) & last;
        }
    }
}

/// A number by how a text looks: its length, and its first, last and middle letters.
#[inline]
fn look(text: &[u8]) -> usize {
    let letter = |place: usize| text.get(place).map_or(0, |letter| usize::from(*letter));
    let length = text.len();
    length
        .wrapping_add(letter(0).wrapping_mul(31))
        .wrapping_add(letter(length.wrapping_sub(1)).wrapping_mul(7))
        .wrapping_add(letter(length / 2).wrapping_mul(113))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_name_is_found_where_there_are_none() {
        assert_eq!(Names::default().find(b""), None);
        assert_eq!(Names::default().find(b"id"), None);
    }

    proptest! {
        #[test]
        fn a_text_is_the_name_it_is_and_no_other(names in prop::collection::vec("[ab]{0,4}", 0..40), text in "[ab]{0,4}") {
            let mut own = Names::default();
            let mut known: Vec<&str> = Vec::new();
            for name in &names {
                if !known.contains(&name.as_str()) {
                    known.push(name);
                }
                prop_assert_eq!(Some(own.add(name)), known.iter().position(|other| other == name));
            }
            prop_assert_eq!(own.find(text.as_bytes()), known.iter().position(|name| *name == text));
        }
    }
}
