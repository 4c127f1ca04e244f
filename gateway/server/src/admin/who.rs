//! Who is at the machine: the operating system's user, as it says itself and not as anyone claims.

use privacy::Operator;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use tokio::net::UnixStream;

/// Bytes of the list of users that are looked through.
const USERS_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The operator with this number: by name where the machine has one for it.
pub(super) fn of(uid: u32) -> Operator {
    Operator::new(name(uid).unwrap_or_else(|| format!("uid {uid}")))
}

/// The operator that this process runs for.
///
/// # Errors
/// What the system says.
pub fn this_process() -> io::Result<Operator> {
    // Asking for the peer of a pair of our own is asking the system who we are.
    let (one, _other) = UnixStream::pair()?;
    Ok(of(one.peer_cred()?.uid()))
}

/// A user's name (passwd(5)); users that are kept elsewhere go by their number.
fn name(uid: u32) -> Option<String> {
    let users = BufReader::new(File::open("/etc/passwd").ok()?.take(USERS_BYTES_MAX));
    users.lines().map_while(Result::ok).find_map(|line| named(&line, uid))
}

fn named(line: &str, uid: u32) -> Option<String> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    let own: u32 = fields.nth(1)?.parse().ok()?;
    (own == uid && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        assert_eq!(named("ana:x:1000:1000:Ana:/home/ana:/bin/sh", 1000).as_deref(), Some("ana"));
        assert_eq!(named("ana:x:1000:1001:Ana:/home/ana:/bin/sh", 1001), None);
        assert_eq!(named("", 0), None);
    }
}
