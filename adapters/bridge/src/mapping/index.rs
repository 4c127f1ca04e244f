//! Which rows of a map may have something to write, found from what a message values: most of what a map asks for is not
//! there.

use super::rows::{How, Row, Source, Step};

/// The most rows of one map: a bit each.
pub(super) const ROWS_MAX: usize = 64;

/// The rows of one map, by what they read.
#[derive(Debug)]
pub(super) struct Index {
    /// Those that are run whatever is valued.
    always: u64,
    /// For each segment that is read, the rows that read each of its fields.
    readers: Vec<([u8; 3], [u64; 64])>,
}

impl Index {
    /// That of these rows; `None` when they are too many.
    pub(super) fn of<S: Step>(rows: &[Row<S>]) -> Option<Index> {
        if rows.len() > ROWS_MAX {
            return None;
        }
        let mut index = Index { always: 0, readers: Vec::new() };
        for (place, row) in rows.iter().enumerate() {
            if row.from.is_empty() || matches!(&row.how, How::Step(step) if step.always()) {
                index.always |= 1 << place;
            }
            row.from.iter().for_each(|source| index.reads(*source, 1 << place));
        }
        Some(index)
    }

    fn reads(&mut self, source: Source, row: u64) {
        let known = self.readers.iter().position(|(segment, _rows)| *segment == source.segment);
        let place = known.unwrap_or_else(|| {
            self.readers.push((source.segment, [0; 64]));
            self.readers.len() - 1
        });
        let Some((_segment, rows)) = self.readers.get_mut(place) else { return };
        // Zero names the whole, which any part makes valued.
        let read = if source.field == 0 { !0 } else { Source::bit(source.field) };
        rows.iter_mut().enumerate().filter(|(bit, _)| read >> bit & 1 == 1).for_each(|(_, rows)| *rows |= row);
    }

    /// The rows that may have something to write, in order.
    #[inline]
    pub(super) fn wanted<'m, S>(&self, all: &'m [Row<S>], valued: impl Fn([u8; 3]) -> u64) -> Wanted<'m, S> {
        let mut rows = self.always;
        for (segment, readers) in &self.readers {
            Bits(valued(*segment)).for_each(|bit| rows |= readers[bit]);
        }
        Wanted { rows: all, places: Bits(rows) }
    }
}

/// The rows of a map that may have something to write.
pub struct Wanted<'m, S> {
    rows: &'m [Row<S>],
    places: Bits,
}

impl<'m, S> Iterator for Wanted<'m, S> {
    type Item = &'m Row<S>;

    #[inline]
    fn next(&mut self) -> Option<&'m Row<S>> {
        self.places.next().and_then(|place| self.rows.get(place))
    }
}

/// The places of the bits that are set, in order.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros() as usize;
        self.0 &= self.0.wrapping_sub(1);
        (place < 64).then_some(place)
    }
}
