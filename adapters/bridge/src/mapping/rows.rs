//! From map files to rows that can be run.
//!
//! Everything is checked here, once: every FHIR path is handed out for checking, every table, datatype and step must exist,
//! and rows of one element must stand together, since they are written in one go.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::index::{Index, Wanted};
use super::table::Table;

/// The files of one dialect, by name.
pub struct Sources<'a> {
    /// `maps/datatype`: name to text.
    pub datatypes: &'a [(&'a str, &'a str)],
    /// `maps/table`: all of them, read.
    pub tables: &'static BTreeMap<String, Table>,
}

/// One compiled map.
#[derive(Debug)]
pub struct Map<S> {
    /// The FHIR type that it makes.
    pub kind: &'static str,
    /// Its rows, in the order of writing.
    pub rows: Vec<Row<S>>,
    /// Which of them may have something to write.
    index: Index,
}

/// A rule that branches, as a row names it.
pub trait Step {
    /// Whether it may have something to write even when nothing stands at its row's sources.
    fn always(&self) -> bool;
}

/// One compiled row.
#[derive(Debug)]
pub struct Row<S> {
    /// Where the value stands; the first that is valued is taken.
    pub from: Vec<Source>,
    /// Where it goes, relative to the map.
    pub path: Vec<Piece>,
    /// What has to be open for it: a piece, and whether an element of its list is. The last piece only where it is a list.
    pub within: Vec<(Piece, bool)>,
    /// Where it goes, as a full FHIR path, for the loss ledger.
    pub to: &'static str,
    /// How it goes there.
    pub how: How<S>,
}

/// A place in a message, as a row names it: `OBX-3`, `OBX-3.1`, or inside a datatype `4` or `4.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The segment; zeros inside a datatype.
    pub segment: [u8; 3],
    /// The field, or the component inside a datatype.
    pub field: u16,
    /// The component of the field; 0 for the whole.
    pub component: u16,
}

impl Source {
    /// The bit of a field or component: its own for the first of them, one for all beyond.
    #[inline]
    pub fn bit(field: u16) -> u64 {
        1 << field.min(63)
    }
}

/// One step of a path: a member, and whether it is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The member's name.
    pub name: &'static str,
    /// Whether it holds a list.
    pub list: bool,
}

/// How a value is written.
#[derive(Debug)]
pub enum How<S> {
    /// As a primitive.
    Primitive(Primitive),
    /// As a code, through a table.
    Coded(&'static Table),
    /// By the rows of its datatype.
    Datatype(Map<S>),
    /// By Rust.
    Step(S),
    /// This text, if its element holds anything else (or always, in the resource itself).
    Fixed(&'static str),
    /// As it came, in an extension.
    Keep,
    /// Not at all, by this rule.
    Ignore(&'static str),
}

/// The primitives that rows can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// Any text.
    String,
    /// Text without spaces at its ends.
    Code,
    /// A date, or what can be read of it.
    Date,
    /// A date or date and time.
    DateTime,
    /// A whole number above zero.
    PositiveInt,
    /// A decimal, lexeme kept.
    Decimal,
    /// Y or N.
    Boolean,
}

/// What is wrong with a map file: which file, which row, and why.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("map {file}, row {row}: {why}")]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// The row, from 1; 0 for the file itself.
    pub row: usize,
    /// What is wrong, and what would be right.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The FHIR type.
    to: String,
    #[serde(default)]
    row: Vec<RowText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowText {
    from: Option<OneOrMany>,
    to: Option<String>,
    #[serde(rename = "as")]
    kind: Option<String>,
    table: Option<String>,
    step: Option<String>,
    fixed: Option<String>,
    #[serde(default)]
    keep: bool,
    ignore: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Compiles one map file. `step` finds a step by name. The result lives as long as the program.
pub fn compile<S: Step>(
    file: &str,
    text: &str,
    sources: &Sources<'_>,
    step: &dyn Fn(&str) -> Option<S>,
) -> Result<Map<S>, Fault> {
    let fault = |why: String| Fault { file: file.to_owned(), row: 0, why };
    let read: File = toml::from_str(text).map_err(|error| fault(error.message().to_owned()))?;
    let base = leak(&read.to);
    map(file, read, base, sources, step, 0)
}

/// Datatypes nest at most this deep in our maps; more is a loop between two files.
const DATATYPE_DEPTH_MAX: usize = 6;

fn map<S: Step>(
    file: &str,
    read: File,
    base: &str,
    sources: &Sources<'_>,
    step: &dyn Fn(&str) -> Option<S>,
    depth: usize,
) -> Result<Map<S>, Fault> {
    let mut rows = Vec::with_capacity(read.row.len());
    for (place, row) in read.row.into_iter().enumerate() {
        let fault = |why: String| Fault { file: file.to_owned(), row: place + 1, why };
        if depth > DATATYPE_DEPTH_MAX {
            return Err(fault("datatypes refer to each other in a circle".to_owned()));
        }
        rows.push(compiled(row, base, sources, step, depth).map_err(fault)?);
    }
    together(&rows).map_err(|(row, why)| Fault { file: file.to_owned(), row, why })?;
    let why = || format!("a map has at most {} rows", super::index::ROWS_MAX);
    let index = Index::of(&rows).ok_or_else(|| Fault { file: file.to_owned(), row: 0, why: why() })?;
    Ok(Map { kind: leak(&read.to), rows, index })
}

fn compiled<S: Step>(
    row: RowText,
    base: &str,
    sources: &Sources<'_>,
    step: &dyn Fn(&str) -> Option<S>,
    depth: usize,
) -> Result<Row<S>, String> {
    let from = match row.from {
        None => Vec::new(),
        Some(OneOrMany::One(one)) => vec![source(&one)?],
        Some(OneOrMany::Many(many)) => many.iter().map(|one| source(one)).collect::<Result<_, _>>()?,
    };
    let path: Vec<Piece> = row.to.as_deref().map(pieces).unwrap_or_default();
    let to = match row.to.as_deref() {
        Some(relative) => leak(&format!("{base}.{}", relative.replace("[]", ""))),
        None => leak(base),
    };
    let how = match (row.kind, row.table, row.step, row.fixed, row.keep, row.ignore) {
        (None, None, None, None, true, None) => How::Keep,
        (None, None, None, None, false, Some(rule)) => How::Ignore(leak(&rule)),
        (None, None, None, Some(text), false, None) => How::Fixed(leak(&text)),
        (None, None, Some(name), None, false, None) => {
            How::Step(step(&name).ok_or_else(|| format!("there is no step `{name}`"))?)
        }
        (None, Some(name), None, None, false, None) => {
            How::Coded(sources.tables.get(&name).ok_or_else(|| format!("there is no table `{name}`"))?)
        }
        (Some(kind), None, None, None, false, None) => kind_of(&kind, to, sources, step, depth)?,
        _several => return Err("a row has one of: as, table, step, fixed, keep, ignore".to_owned()),
    };
    match how {
        How::Keep | How::Ignore(_) | How::Step(_) => {}
        How::Primitive(_) | How::Coded(_) | How::Datatype(_) | How::Fixed(_) if path.is_empty() => {
            return Err("this row needs `to`".to_owned());
        }
        How::Primitive(_) | How::Coded(_) | How::Datatype(_) | How::Fixed(_) => {}
    }
    let within = match path.split_last() {
        Some((last, outer)) => {
            let list = Some((*last, false)).filter(|(last, _element)| last.list);
            outer.iter().map(|piece| (*piece, piece.list)).chain(list).collect()
        }
        None => Vec::new(),
    };
    Ok(Row { from, path, within, to, how })
}

fn kind_of<S: Step>(
    kind: &str,
    to: &str,
    sources: &Sources<'_>,
    step: &dyn Fn(&str) -> Option<S>,
    depth: usize,
) -> Result<How<S>, String> {
    Ok(match kind {
        "string" => How::Primitive(Primitive::String),
        "code" => How::Primitive(Primitive::Code),
        "date" => How::Primitive(Primitive::Date),
        "dateTime" => How::Primitive(Primitive::DateTime),
        "positiveInt" => How::Primitive(Primitive::PositiveInt),
        "decimal" => How::Primitive(Primitive::Decimal),
        "boolean" => How::Primitive(Primitive::Boolean),
        datatype => {
            let found = sources.datatypes.iter().find(|(name, _text)| *name == datatype);
            let (name, text) = found.ok_or_else(|| format!("there is no datatype `{datatype}`"))?;
            let read: File = toml::from_str(text).map_err(|error| format!("{name}: {}", error.message()))?;
            How::Datatype(map(name, read, to, sources, step, depth + 1).map_err(|fault| fault.to_string())?)
        }
    })
}

/// Rows of one object or list must stand together: it is written once.
fn together<S>(rows: &[Row<S>]) -> Result<(), (usize, String)> {
    let mut seen: Vec<Vec<Piece>> = Vec::new();
    let mut before: &[Piece] = &[];
    for (place, row) in rows.iter().enumerate() {
        for length in 1..=row.path.len() {
            let Some(prefix) = row.path.get(..length) else { continue };
            let continues = before.get(..length) == Some(prefix);
            let container = length < row.path.len() || prefix.last().is_some_and(|piece| piece.list);
            if !continues && seen.iter().any(|earlier| earlier == prefix) {
                let name = prefix.iter().map(|piece| piece.name).collect::<Vec<_>>().join(".");
                return Err((place + 1, format!("rows of `{name}` must stand together")));
            }
            if container && !continues {
                seen.push(prefix.to_vec());
            }
        }
        if !row.path.is_empty() {
            before = &row.path;
        }
    }
    Ok(())
}

fn source(text: &str) -> Result<Source, String> {
    let wrong = || format!("`{text}` is no place; write SEG-field, SEG-field.component, or a component alone");
    let number = |text: &str| text.parse::<u16>().map_err(|_not| wrong());
    match text.split_once('-') {
        None => {
            let (component, subcomponent) = text.split_once('.').unwrap_or((text, "0"));
            Ok(Source { segment: [0; 3], field: number(component)?, component: number(subcomponent)? })
        }
        Some((segment, rest)) => {
            let segment: [u8; 3] = segment.as_bytes().try_into().map_err(|_length| wrong())?;
            let (field, component) = rest.split_once('.').unwrap_or((rest, "0"));
            Ok(Source { segment, field: number(field)?, component: number(component)? })
        }
    }
}

fn pieces(path: &str) -> Vec<Piece> {
    path.split('.')
        .map(|piece| match piece.strip_suffix("[]") {
            Some(name) => Piece { name: leak(name), list: true },
            None => Piece { name: leak(piece), list: false },
        })
        .collect()
}

/// Maps are compiled once and live as long as the program, so that running them copies no names.
fn leak(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

impl<S> Map<S> {
    /// The rows that may have something to write, in their order. `valued` gives the fields of a segment that are valued, or,
    /// for zeros, the components of the value, as [`Source::bit`]s.
    #[inline]
    pub fn wanted(&self, valued: impl Fn([u8; 3]) -> u64) -> Wanted<'_, S> {
        self.index.wanted(&self.rows, valued)
    }

    /// Every FHIR path that this map can write, for checking.
    pub fn paths(&self) -> Vec<&'static str> {
        let mut paths = Vec::new();
        for row in &self.rows {
            match &row.how {
                How::Datatype(inner) => {
                    paths.push(row.to);
                    paths.extend(inner.paths());
                }
                How::Primitive(_) | How::Coded(_) | How::Fixed(_) | How::Step(_) => paths.push(row.to),
                How::Keep | How::Ignore(_) => {}
            }
        }
        paths
    }
}
