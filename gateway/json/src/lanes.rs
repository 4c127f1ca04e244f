//! Many bytes at a time: where a plain run of a string ends, and where blanks end.
//!
//! One meaning, two ways: [`Portable`] for every processor, [`Avx2`] for those that were found to have it. They must agree
//! on all bytes, which properties hold; nothing else in this crate knows which one is at work. The only file of the house
//! with `unsafe`: strings are most of a FHIR document, and finding their ends this way is most of a page's reading.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "AVX2 where the processor has it; measured in benches, and held against its twin")
)]

/// Where a plain run ends: at a quote, a backslash, a control character, or the end of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) end: usize,
    /// Whether the run is ASCII alone.
    pub(crate) ascii: bool,
}

/// One way of looking at bytes.
pub(crate) trait Lanes: Copy {
    /// The plain run that begins at `from`.
    fn plain(self, bytes: &[u8], from: usize) -> Plain;

    /// Where the blanks that may begin at `from` end.
    fn solid(self, bytes: &[u8], from: usize) -> usize;
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// For every processor: eight bytes in one word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

impl Lanes for Portable {
    #[inline(always)]
    fn plain(self, bytes: &[u8], from: usize) -> Plain {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        // Each test may also mark bytes above its first true one (a borrow runs upwards), never below: the lowest is exact.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let (mut at, mut high) = (from, 0);
        while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*chunk);
            let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            let special = control | zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64));
            if special != 0 {
                high |= word & HIGH & (special & special.wrapping_neg()).wrapping_sub(1);
                return Plain { end: at + special.trailing_zeros() as usize / 8, ascii: high == 0 };
            }
            high |= word & HIGH;
            at += 8;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
        Plain { end: at + length, ascii: high == 0 && rest.iter().take(length).all(u8::is_ascii) }
    }

    #[inline(always)]
    fn solid(self, bytes: &[u8], from: usize) -> usize {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !is_blank(*byte)).unwrap_or(rest.len())
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::Avx2;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::{Lanes, Plain, Portable};
    use std::arch::x86_64::*;

    /// How many bytes are looked at together.
    const WIDTH: usize = 32;

    /// The proof that this processor has AVX2: there is no other way to one than [`Avx2::detected`].
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Avx2(());

    impl Avx2 {
        /// The proof, if it is so.
        pub(crate) fn detected() -> Option<Avx2> {
            let has = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("bmi1");
            has.then_some(Avx2(()))
        }

        /// Does `work` compiled for such a processor, as far as it is inlined.
        pub(crate) fn run<R>(self, work: impl FnOnce(Avx2) -> R) -> R {
            // SAFETY: `self` exists only where the features were detected.
            unsafe { run(self, work) }
        }
    }

    #[target_feature(enable = "avx2,bmi1")]
    fn run<R>(proof: Avx2, work: impl FnOnce(Avx2) -> R) -> R {
        work(proof)
    }

    impl Lanes for Avx2 {
        #[inline(always)]
        fn plain(self, bytes: &[u8], from: usize) -> Plain {
            let (mut at, mut high) = (from, 0);
            while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<WIDTH>()) {
                // SAFETY: `self` exists only where the features were detected.
                let marks = unsafe { marks(chunk) };
                if marks.special != 0 {
                    high |= marks.high & (marks.special & marks.special.wrapping_neg()).wrapping_sub(1);
                    return Plain { end: at + marks.special.trailing_zeros() as usize, ascii: high == 0 };
                }
                high |= marks.high;
                at += WIDTH;
            }
            let rest = last_plain(bytes, at);
            Plain { ascii: rest.ascii && high == 0, ..rest }
        }

        #[inline(always)]
        fn solid(self, bytes: &[u8], from: usize) -> usize {
            let mut at = from;
            while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<WIDTH>()) {
                // SAFETY: `self` exists only where the features were detected.
                let solid = unsafe { solid(chunk) };
                if solid != 0 {
                    return at + solid.trailing_zeros() as usize;
                }
                at += WIDTH;
            }
            Portable.solid(bytes, at)
        }
    }

    /// Near the end of the bytes.
    #[cold]
    #[inline(never)]
    fn last_plain(bytes: &[u8], from: usize) -> Plain {
        Portable.plain(bytes, from)
    }

    /// What stands in a chunk, a bit for each byte, the first byte's lowest.
    struct Marks {
        special: u32,
        high: u32,
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1")]
    fn marks(chunk: &[u8; WIDTH]) -> Marks {
        let bytes = loaded(chunk);
        let is = |byte: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte as i8));
        let control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1F)), bytes);
        let special = _mm256_or_si256(_mm256_or_si256(is(b'"'), is(b'\\')), control);
        Marks { special: _mm256_movemask_epi8(special) as u32, high: _mm256_movemask_epi8(bytes) as u32 }
    }

    /// A bit for each byte that is no blank.
    #[inline]
    #[target_feature(enable = "avx2,bmi1")]
    fn solid(chunk: &[u8; WIDTH]) -> u32 {
        let bytes = loaded(chunk);
        let is = |byte: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte as i8));
        let blank = _mm256_or_si256(_mm256_or_si256(is(b' '), is(b'\n')), _mm256_or_si256(is(b'\r'), is(b'\t')));
        !(_mm256_movemask_epi8(blank) as u32)
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1")]
    fn loaded(chunk: &[u8; WIDTH]) -> __m256i {
        // SAFETY: the chunk has the 32 bytes that are read, and the read asks for no alignment.
        unsafe { _mm256_loadu_si256(chunk.as_ptr().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes of which many mean something, in runs of any length.
    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        let telling = prop::sample::select(b"\"\\\n\r\t \x00\x1f\x20\x21\x23\x5b\x5d\x7f\x80\xa0\xa2\xdc\xff".to_vec());
        let dull = prop::sample::select(b" a\xc3 ".to_vec());
        let byte = prop_oneof![1 => any::<u8>(), 1 => telling, 12 => dull];
        prop::collection::vec(byte, 0..150)
    }

    fn by_definition(bytes: &[u8], from: usize) -> (Plain, usize) {
        let rest = &bytes[from..];
        let plain: Vec<u8> = rest.iter().copied().take_while(|byte| !is_special(*byte)).collect();
        let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
        (Plain { end: from + plain.len(), ascii: plain.is_ascii() }, from + blanks)
    }

    proptest! {
        #[test]
        fn each_way_finds_what_the_definition_says(bytes in any_bytes(), from in any::<prop::sample::Index>()) {
            let from = from.index(bytes.len() + 1);
            let told = by_definition(&bytes, from);
            prop_assert_eq!((Portable.plain(&bytes, from), Portable.solid(&bytes, from)), told);
            #[cfg(target_arch = "x86_64")]
            if let Some(quick) = Avx2::detected() {
                prop_assert_eq!((quick.plain(&bytes, from), quick.solid(&bytes, from)), told);
            }
        }
    }
}
