//! Names, user names and record numbers, unique by arithmetic and not by luck.
//!
//! Each index of a sex stands for one pair of given and family name, by a walk through all pairs; when all
//! pairs are spent, family names are joined by a hyphen. Names are common ones put together by chance.

use super::dice::Dice;

/// The system of medical record numbers.
pub(super) const MRN_SYSTEM: &str = "https://hospital.example/mrn";

/// Prime, and no divisor of the number of pairs: steps of this size visit each pair once.
const STRIDE: u64 = 7_919;

/// How many record numbers there are: seven digits, the first not zero. Not a multiple of `STRIDE`.
const MRN_COUNT: u64 = 9_000_000;

pub(super) const WOMEN: [&str; 64] = [
    "Amara",
    "Beatriz",
    "Chloé",
    "Daniela",
    "Eleni",
    "Fatima",
    "Grace",
    "Hannah",
    "Ingrid",
    "Jasmine",
    "Keiko",
    "Leilani",
    "Mei",
    "Naomi",
    "Olga",
    "Priya",
    "Quinn",
    "Rosa",
    "Siobhán",
    "Tamika",
    "Ursula",
    "Valentina",
    "Wanda",
    "Ximena",
    "Yara",
    "Zofia",
    "Abigail",
    "Birgit",
    "Carmen",
    "Deborah",
    "Esther",
    "Francesca",
    "Guadalupe",
    "Helena",
    "Imani",
    "Joanna",
    "Kavita",
    "Linh",
    "Margaret",
    "Noor",
    "Oksana",
    "Patricia",
    "Rachel",
    "Sunita",
    "Thandiwe",
    "Uma",
    "Veronica",
    "Winona",
    "Xiu",
    "Yvonne",
    "Zainab",
    "Anne-Marie",
    "Björk",
    "Concepción",
    "Dorothy",
    "Emily",
    "Fiona",
    "Gloria",
    "Harriet",
    "Ines",
    "Jacqueline",
    "Katarzyna",
    "Lucía",
    "Miriam",
];

pub(super) const MEN: [&str; 64] = [
    "Ahmed",
    "Bartholomew",
    "Carlos",
    "Dmitri",
    "Emeka",
    "François",
    "Giovanni",
    "Hiroshi",
    "Isaac",
    "Jamal",
    "Kofi",
    "Luis",
    "Mateo",
    "Nikolai",
    "Oscar",
    "Pedro",
    "Quentin",
    "Rafael",
    "Samuel",
    "Tomás",
    "Umar",
    "Viktor",
    "William",
    "Xavier",
    "Yusuf",
    "Zachary",
    "Andrew",
    "Benjamin",
    "Chidi",
    "Darnell",
    "Elijah",
    "Fernando",
    "Gustavo",
    "Henry",
    "Ivan",
    "José",
    "Kwame",
    "Leonard",
    "Malik",
    "Nathaniel",
    "Omar",
    "Patrick",
    "Ravi",
    "Søren",
    "Tyrone",
    "Ulrich",
    "Vincent",
    "Wei",
    "Xander",
    "Yaw",
    "Zoltan",
    "Arjun",
    "Jean-Luc",
    "Caleb",
    "Desmond",
    "Ezekiel",
    "Felix",
    "Gabriel",
    "Hassan",
    "Ignacio",
    "Joaquín",
    "Kenji",
    "Lars",
    "Marcus",
];

const MIDDLE: [&str; 16] =
    ["A.", "B.", "C.", "D.", "E.", "F.", "G.", "H.", "J.", "K.", "L.", "M.", "N.", "R.", "S.", "T."];

pub(super) const FAMILIES: [&str; 200] = [
    "Abbott",
    "Acheampong",
    "Adams",
    "Adeyemi",
    "Aguilar",
    "Ahmadi",
    "Alvarez",
    "Andersson",
    "Antonov",
    "Appiah",
    "Arslan",
    "Bailey",
    "Banerjee",
    "Barros",
    "Becker",
    "Begay",
    "Bennett",
    "Bianchi",
    "Blackwood",
    "Boateng",
    "Bondarenko",
    "Brennan",
    "Brooks",
    "Cabrera",
    "Calderón",
    "Campbell",
    "Castillo",
    "Chandra",
    "Chang",
    "Chaudhry",
    "Chen",
    "Cho",
    "Clarke",
    "Cohen",
    "Coleman",
    "Contreras",
    "Cruz",
    "D'Angelo",
    "Dąbrowski",
    "Das",
    "Delgado",
    "Desai",
    "Diallo",
    "Diaz",
    "Dimitrova",
    "Dubois",
    "Edwards",
    "Ekström",
    "Ellis",
    "Espinoza",
    "Evans",
    "Farouk",
    "Fernandes",
    "Fischer",
    "Fitzgerald",
    "Flores",
    "Fonseca",
    "Foster",
    "Friedman",
    "Fujimoto",
    "Gallagher",
    "Garza",
    "Ghosh",
    "Gibson",
    "Goldberg",
    "Gomez",
    "Gonzales",
    "Greene",
    "Gupta",
    "Gutierrez",
    "Hagen",
    "Haddad",
    "Hakimi",
    "Hansen",
    "Harper",
    "Hashimoto",
    "Hernández",
    "Hoang",
    "Hoffmann",
    "Holloway",
    "Horvath",
    "Howard",
    "Huang",
    "Hughes",
    "Ibrahim",
    "Iglesias",
    "Ikeda",
    "Ivanova",
    "Iyer",
    "Jackson",
    "Jafari",
    "James",
    "Jankowski",
    "Jensen",
    "Jimenez",
    "Johansson",
    "Kamara",
    "Kang",
    "Kapoor",
    "Kaya",
    "Kelly",
    "Khalil",
    "Kimura",
    "Kowalski",
    "Krishnan",
    "Kumar",
    "Lambert",
    "Larsen",
    "Lavoie",
    "Leclerc",
    "Lewandowski",
    "Liu",
    "Lopez",
    "Lozano",
    "Mahmoud",
    "Maldonado",
    "Marino",
    "Martínez",
    "Mbeki",
    "McCarthy",
    "Mehta",
    "Mendoza",
    "Meyer",
    "Mitchell",
    "Mohamud",
    "Morales",
    "Moreau",
    "Mori",
    "Müller",
    "Mwangi",
    "Nakamura",
    "Navarro",
    "Ndiaye",
    "Nelson",
    "Nguyen",
    "Nielsen",
    "Novak",
    "Núñez",
    "O'Brien",
    "O'Connor",
    "Ochoa",
    "Ogunleye",
    "Okafor",
    "Olsen",
    "Onyango",
    "Ortega",
    "Osei",
    "Ozturk",
    "Papadakis",
    "Park",
    "Patel",
    "Paulsen",
    "Pereira",
    "Petrov",
    "Pham",
    "Phillips",
    "Popescu",
    "Prasad",
    "Quintero",
    "Rahman",
    "Ramirez",
    "Reddy",
    "Reyes",
    "Richardson",
    "Rivera",
    "Robinson",
    "Romano",
    "Rosenthal",
    "Ruiz",
    "Saeed",
    "Salazar",
    "Sandoval",
    "Sato",
    "Schneider",
    "Sharma",
    "Silva",
    "Singh",
    "Sokolov",
    "Solomon",
    "Suzuki",
    "Takahashi",
    "Tanaka",
    "Taylor",
    "Thompson",
    "Torres",
    "Tran",
    "Tsosie",
    "Vargas",
    "Vasquez",
    "Villanueva",
    "Volkov",
    "Walker",
    "Wang",
    "Whitehorse",
    "Williams",
    "Wójcik",
    "Yamamoto",
    "Yazzie",
    "Yılmaz",
    "Zhang",
];

/// Given names of relatives and practitioners, none of them a name of a person above.
pub(super) const KIN: [&str; 24] = [
    "Adele", "Boris", "Cecily", "Dieter", "Edith", "Floyd", "Greta", "Horace", "Irma", "Jerome", "Kirsten", "Lionel",
    "Mabel", "Norbert", "Odette", "Percy", "Ramona", "Stanley", "Thelma", "Upton", "Vilma", "Wallace", "Yolande",
    "Zeke",
];

/// Former family names and those of practitioners, none of them a family above.
pub(super) const FORMER: [&str; 16] = [
    "Ashworth",
    "Birchfield",
    "Cranbrook",
    "Dunmore",
    "Eastlake",
    "Fernhill",
    "Grimsby",
    "Hawthorne",
    "Inglewood",
    "Kingsley",
    "Larkspur",
    "Merriweather",
    "Northcott",
    "Oakhurst",
    "Pemberton",
    "Ravenscroft",
];

/// One person's name.
pub(super) struct Name {
    pub(super) sex: &'static str,
    pub(super) given: String,
    pub(super) middle: &'static str,
    pub(super) family: String,
    pub(super) username: String,
}

/// The name of the person with this index.
pub(super) fn of(seed: u64, index: u32) -> Name {
    let mut dice = Dice::new(seed, 0);
    let (shift, turn) = (dice.next() >> 8, dice.below(FAMILIES.len() as u64 - 1));
    // Of four in a row the first and last are women, so half are, and 0 and 1 differ.
    let (sex, givens) = match index % 4 {
        0 | 3 => ("female", &WOMEN),
        _ => ("male", &MEN),
    };
    let pairs = (givens.len() * FAMILIES.len()) as u64;
    let nth = u64::from(index / 2);
    let pair = (nth % pairs * STRIDE + shift) % pairs;
    let given = at(givens, pair);
    let family = at(&FAMILIES, pair / givens.len() as u64);
    // The r-th time round, the same pair gets a second family name of its own.
    let round = nth / pairs;
    let family = if round == 0 {
        family.to_owned()
    } else {
        format!("{family}-{}", at(&FAMILIES, pair / givens.len() as u64 + (turn + round) % 199 + 1))
    };
    Name {
        sex,
        middle: at(&MIDDLE, shift.wrapping_add(u64::from(index) * 5)),
        username: format!("{}.{}", folded(given), folded(&family)),
        given: given.to_owned(),
        family,
    }
}

/// The record number of the person with this index: `HT` (for test health data) and seven digits.
pub(super) fn mrn(seed: u64, index: u32) -> String {
    let shift = Dice::new(seed, 0).below(MRN_COUNT);
    format!("HT{}", (u64::from(index) * STRIDE + shift) % MRN_COUNT + 1_000_000)
}

fn at(list: &[&'static str], place: u64) -> &'static str {
    list[usize::try_from(place % list.len() as u64).unwrap_or(0)]
}

/// Lower-case ASCII: accents fall away, apostrophes too, hyphens stay.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter_map(plain).collect()
}

fn plain(letter: char) -> Option<char> {
    match letter {
        'á' | 'ą' | 'ã' | 'à' => Some('a'),
        'ç' => Some('c'),
        'é' | 'è' => Some('e'),
        'í' | 'ı' => Some('i'),
        'ñ' => Some('n'),
        'ó' | 'ö' | 'ø' => Some('o'),
        'ú' | 'ü' => Some('u'),
        'a'..='z' | 'A'..='Z' | '-' => Some(letter.to_ascii_lowercase()),
        _ => None, // an apostrophe, a space
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FAMILIES, FORMER, KIN, MEN, WOMEN, folded, of};

    #[test]
    fn no_name_is_listed_twice_however_it_is_spelt() {
        let givens: Vec<String> = [&WOMEN[..], &MEN, &KIN].concat().iter().map(|n| folded(n)).collect();
        assert_eq!(givens.iter().collect::<BTreeSet<_>>().len(), givens.len());
        let families: Vec<String> = [&FAMILIES[..], &FORMER].concat().iter().map(|n| folded(n)).collect();
        assert_eq!(families.iter().collect::<BTreeSet<_>>().len(), families.len());
    }

    #[test]
    fn folding_loses_no_letter_but_the_apostrophe() {
        for name in [&WOMEN[..], &MEN, &KIN, &FAMILIES, &FORMER].concat() {
            let letters = name.chars().filter(|c| *c != '\'').count();
            assert_eq!(folded(name).len(), letters, "{name}");
        }
    }

    #[test]
    fn the_first_two_people_are_a_woman_and_a_man() {
        assert_eq!((of(7, 0).sex, of(7, 1).sex), ("female", "male"));
    }
}
