//! A laboratory that lies, stalls and floods: MLLP as nobody should speak it.

use super::house::message;
use crate::laboratory::frame;
use std::io::Result;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Bytes that some end of the connection may hold without anyone having read them.
const BUFFER_BYTES: usize = 4 * 1024;

/// A connection with small buffers, so that what is not read is soon noticed.
///
/// # Errors
/// What the socket says.
pub async fn connect(link: SocketAddr) -> Result<TcpStream> {
    connect_from(link, SocketAddr::from(([127, 0, 0, 1], 0))).await
}

/// The same from another address of this machine.
///
/// # Errors
/// What the socket says.
pub async fn connect_from(link: SocketAddr, from: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(u32::try_from(BUFFER_BYTES).unwrap())?;
    socket.bind(from)?;
    let stream = socket.connect(link).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Writes everything, as far as the other side lets it, closes for writing, and reads to the end.
pub async fn say(link: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(link).await.unwrap();
    // It may close before all was said.
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
    let mut heard = Vec::new();
    drop(stream.read_to_end(&mut heard).await);
    heard
}

/// Sends a frame that does not end, until the connection is closed; how many bytes that took.
pub async fn endless(link: SocketAddr, begin: &[u8], bytes_max: usize) -> usize {
    let mut stream = connect(link).await.unwrap();
    let some = vec![b'A'; 64 * 1024];
    let mut sent = 0;
    if stream.write_all(begin).await.is_err() {
        return sent;
    }
    while sent < bytes_max && stream.write_all(&some).await.is_ok() {
        sent += some.len();
    }
    sent
}

/// What is wrong, the bytes, and MSA-1 of the answers that must come; a message of which nothing can be said has none.
pub fn lies() -> Vec<(&'static str, Vec<u8>, Vec<&'static str>)> {
    let good = message("CONTROL");
    let framed = |text: &str| frame(text);
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        frame(&good.replacen(from, to, 1))
    };
    let told = [
        ("nothing in a frame", framed(""), vec![]),
        ("no MSH", framed("PID|1\r"), vec![]),
        ("text", framed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), vec![]),
        ("a second kind of message", with("ORU^R01^ORU_R01", "ZZZ^Z99^ZZZ_Z99"), vec!["AR"]),
        ("an unknown version", with("|P|2.5.1", "|P|9.9"), vec!["AR"]),
        ("an unknown processing id", with("|P|2.5.1", "|X|2.5.1"), vec!["AR"]),
        ("no control id", with("|CONTROL|P", "||P"), vec!["AE", "AR"]),
        // Its bytes are read as what they are, and the name is told of as not known.
        ("another charset than it has", with("|P|2.5.1", "|P|2.5.1||||||UNICODE UTF-32"), vec!["AA"]),
        ("separators that are letters", with("MSH|^~\\&", "MSHAAAAA"), vec![]),
        ("separators that are one", with("MSH|^~\\&", "MSH|||||"), vec![]),
        ("a separator of blocks within", [b"\x0b", good.as_bytes(), b"\x1cX\x1c\r"].concat(), vec!["AE", "AR", "AA"]),
        (
            "bytes that are no text",
            [b"\x0b", good.as_bytes(), b"NTE|1||\xff\xfe\r\x1c\r"].concat(),
            vec!["AE", "AR", "AA"],
        ),
    ];
    // Each is a message of its own: one that came before would be answered as a duplicate.
    let own = |number: usize, bytes: &[u8]| {
        let parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'|').collect();
        let name = format!("lie-{number}");
        let named = parts.iter().map(|part| if *part == b"CONTROL" { name.as_bytes() } else { part });
        named.collect::<Vec<_>>().join(&b'|')
    };
    told.into_iter()
        .enumerate()
        .map(|(number, (what, bytes, verdicts))| (what, own(number, &bytes), verdicts))
        .collect()
}
