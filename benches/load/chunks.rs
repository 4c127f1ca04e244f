//! A body that came in chunks, put together (RFC 9112, 7.1). Extensions of a chunk and trailers are none of ours.

use bytes::Bytes;

/// What stands in the chunks, whose last one is empty and ends the answer.
///
/// # Errors
/// A chunk without a length in hexadecimal, one that is not as long as it says, and an answer without its end.
pub(crate) fn joined(mut rest: &[u8]) -> Result<Bytes, String> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").ok_or("a chunk without a length")?;
        let (length, after) = rest.split_at(end);
        let length = std::str::from_utf8(length).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let length = length.ok_or("a chunk whose length is no number")?;
        let after = after.strip_prefix(b"\r\n").unwrap_or(after);
        let (chunk, after) = after.split_at_checked(length).ok_or("a chunk that was cut off")?;
        let after = after.strip_prefix(b"\r\n").ok_or("a chunk that is longer than it says")?;
        if length == 0 {
            return if after.is_empty() { Ok(body.into()) } else { Err("bytes behind the last chunk".to_owned()) };
        }
        body.extend_from_slice(chunk);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_become_one_body() {
        assert_eq!(joined(b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n").as_deref(), Ok(&b"abc0123456789"[..]));
        assert_eq!(joined(b"0\r\n\r\n").as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn an_answer_that_is_not_whole_is_refused() {
        for broken in [
            &b""[..],
            b"3\r\nabc\r\n",
            b"3\r\nab",
            b"2\r\nabc\r\n0\r\n\r\n",
            b"x\r\nabc\r\n0\r\n\r\n",
            b"0\r\n",
            b"0\r\n\r\nmore",
        ] {
            assert!(joined(broken).is_err(), "{}", String::from_utf8_lossy(broken));
        }
    }
}
