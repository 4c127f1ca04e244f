//! The admin socket: `admin.sock` in the data folder, for the user that the gateway runs as, and for root.
//!
//! A file of mode 0600, and the system says who is at the other end of each connection: a copy of the file or a window in
//! which its mode was wider opens nothing. One command a connection, few at once, each read within a bound and a time.

use super::line::{self, Told};
use super::{Admin, Command, Out, who};
use crate::listen::stopped;
use privacy::Operator;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// The file in the data folder.
const FILE: &str = "admin.sock";
/// Bytes of a path that a socket's address takes (unix(7): 108 with its end).
const PATH_BYTES_MAX: usize = 107;
/// Connections at once.
const CONNECTIONS_MAX: usize = 8;
/// Time for a command to arrive.
const COMMAND: Duration = Duration::from_secs(5);
/// Time for one line of an answer to be taken.
const WRITE: Duration = Duration::from_secs(30);
/// Time that commands have to end when the gateway stops.
const DRAIN: Duration = Duration::from_secs(20);
/// The user who may do anything anyway.
const ROOT: u32 = 0;

/// A socket that is bound and not yet served. Its file goes with it.
pub struct Socket {
    listener: UnixListener,
    file: PathBuf,
    owner: u32,
}

impl Socket {
    /// Binds the socket of a data folder. The caller has the folder to itself, so one that is there was left behind.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn bind(data: &Path) -> io::Result<Socket> {
        let file = data.join(FILE);
        match fs::remove_file(&file) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            Ok(()) | Err(_) => {}
        }
        let (address, _folder) = address(data)?;
        let listener = UnixListener::bind(address)?;
        fs::set_permissions(&file, Permissions::from_mode(0o600))?;
        let owner = fs::metadata(&file)?.uid();
        Ok(Socket { listener, file, owner })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that stays is removed by the next start.
        drop(fs::remove_file(&self.file));
    }
}

/// Connects to the socket of a data folder.
pub(super) async fn connect(data: &Path) -> io::Result<UnixStream> {
    let (address, _folder) = address(data)?;
    UnixStream::connect(address).await
}

/// The socket's address. A folder's name may be longer than an address can be; then it is reached by way of the open folder,
/// which has to stay open until the address was used.
fn address(data: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let plain = data.join(FILE);
    if plain.as_os_str().as_bytes().len() <= PATH_BYTES_MAX {
        return Ok((plain, None));
    }
    let folder = File::open(data)?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}/{FILE}", folder.as_raw_fd())), Some(folder)))
}

/// Answers operators until `stop` says so; commands under way are finished first.
pub(crate) async fn serve(socket: Socket, admin: Arc<Admin>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        while open.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let Some(operator) = admitted(&stream, socket.owner) else { continue };
        let admin = Arc::clone(&admin);
        open.spawn(async move {
            if let Err(why) = connection(&admin, &operator, stream).await {
                tracing::debug!(%why, "an operator's connection ended early");
            }
            drop(place);
        });
    }
    if timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(commands = open.len(), "some operators' commands did not end in time");
    }
}

/// Who is at the other end, when it is one who may ask.
fn admitted(stream: &UnixStream, owner: u32) -> Option<Operator> {
    let uid = stream.peer_cred().ok()?.uid();
    if uid != owner && uid != ROOT {
        tracing::warn!(alarm = "admin", uid, "another user of this machine was refused at the admin socket");
        return None;
    }
    Some(who::of(uid))
}

async fn connection(admin: &Arc<Admin>, operator: &Operator, stream: UnixStream) -> io::Result<()> {
    let (from, mut to) = stream.into_split();
    let command = timeout(COMMAND, line::read::<Command>(&mut BufReader::new(from))).await?;
    let Some(command) = command? else { return Ok(()) };
    let (out, mut pieces) = Out::new();
    let (admin, operator) = (Arc::clone(admin), operator.clone());
    let answering = tokio::spawn(async move { admin.perform(&operator, command, &out).await });
    while let Some(piece) = pieces.recv().await {
        timeout(WRITE, line::write(&mut to, &Told::piece(&piece))).await??;
    }
    let told = match answering.await.map_err(io::Error::other)? {
        Ok(()) => Told::End,
        Err(why) => Told::Failed(why),
    };
    timeout(WRITE, line::write(&mut to, &told)).await??;
    to.shutdown().await
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_goes_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let socket = Socket::bind(folder.path()).unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        let (client, accepted) = tokio::join!(connect(folder.path()), socket.listener.accept());
        client.unwrap();
        let stream = accepted.unwrap().0;
        assert!(admitted(&stream, socket.owner).is_some());
        let stranger = socket.owner + 1;
        assert_eq!(admitted(&stream, stranger).is_some(), socket.owner == ROOT, "root may, others may not");
        drop(socket);
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_folder_with_a_long_name_has_its_socket_too_and_one_left_behind_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("x".repeat(120));
        fs::create_dir(&deep).unwrap();
        fs::write(deep.join(FILE), b"left behind").unwrap();
        let socket = Socket::bind(&deep).unwrap();
        let (client, accepted) = tokio::join!(connect(&deep), socket.listener.accept());
        assert!(client.is_ok() && accepted.is_ok());
    }
}
