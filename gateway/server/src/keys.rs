//! The gateway's own keys: made once by `demo` or `init`, read by `serve`, never made in passing.
//!
//! A folder `keys` of mode 0700 with files of mode 0600: `access.pem` (ES256, access tokens), `identity.pem` (RS256,
//! id_tokens) and `seal.key` (256 bits, page links).

use certs::seal::SealKey;
use certs::sign::SigningKey;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The keys, ready for use.
pub struct Keys {
    /// Signs access tokens.
    pub access: SigningKey,
    /// Signs id_tokens.
    pub identity: SigningKey,
    /// Seals page links.
    pub pages: SealKey,
}

/// Why there are no keys; one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// A file cannot be read or written.
    #[error("{0}: {1}; the gateway needs its keys there, readable by its own user")]
    File(PathBuf, io::Error),
    /// A file holds no key.
    #[error("{0} holds no key of its kind; restore it from a backup, or move the folder away and run `sluice init`")]
    Content(PathBuf),
}

impl Keys {
    /// Makes the keys that are not there yet, and reads them all.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn make(folder: &Path) -> Result<Keys, KeyFault> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |why| KeyFault::File(path, why)
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
        let wrong = |path: &Path| KeyFault::Content(path.to_owned());
        for (name, rsa) in [("access.pem", false), ("identity.pem", true)] {
            let path = folder.join(name);
            if !path.exists() {
                let key = if rsa { SigningKey::generate_rs256() } else { SigningKey::generate_es256() };
                let pem = key.and_then(|key| key.to_pem()).map_err(|_| wrong(&path))?;
                write_new(&path, pem.as_bytes()).map_err(failed(&path))?;
            }
        }
        let path = folder.join("seal.key");
        if !path.exists() {
            write_new(&path, &certs::random::bytes::<32>()).map_err(failed(&path))?;
        }
        Keys::read(folder)
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn read(folder: &Path) -> Result<Keys, KeyFault> {
        let signing = |name: &str| {
            let path = folder.join(name);
            let pem = fs::read_to_string(&path).map_err(|why| KeyFault::File(path.clone(), why))?;
            SigningKey::from_pem(&pem).map_err(|_| KeyFault::Content(path))
        };
        let path = folder.join("seal.key");
        let seal = fs::read(&path).map_err(|why| KeyFault::File(path.clone(), why))?;
        let seal: [u8; 32] = seal.try_into().map_err(|_| KeyFault::Content(path))?;
        Ok(Keys { access: signing("access.pem")?, identity: signing("identity.pem")?, pages: SealKey::new(seal) })
    }
}

/// Writes a file that must not exist yet, for its owner alone, whole or not at all, and makes it durable.
///
/// # Errors
/// What the system says.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    // A link is refused where the name is taken; a rename would overwrite what is there.
    fs::hard_link(&beside, path)?;
    fs::remove_file(&beside)?;
    fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
