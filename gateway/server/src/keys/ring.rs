//! Signing keys change without a failed request: the next one is published before it signs, and the former one is published
//! until what it signed has run out.
//!
//! Others keep our published keys for [`JWKS_KEPT_S`], so a key that signs sooner after it was published would sign what
//! they cannot verify. A former key opens nothing once its last token has run out, whether it was retired or not.

use super::{KeyFault, failed, generate, list, write_key};
use certs::jwk::PublicKey;
use certs::sign::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use smart::settings::{ACCESS_TOKEN_S, ID_TOKEN_S};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// How long others may keep the published keys: so long must one be published before it signs.
pub const JWKS_KEPT_S: i64 = 600;
/// How long after its last signature a token of a former key may still come: its life, and a minute for clocks and for
/// signatures that were under way.
const FORMER_S: i64 = if ACCESS_TOKEN_S > ID_TOKEN_S { ACCESS_TOKEN_S } else { ID_TOKEN_S } + 60;
/// Former keys of one use; more are hardly meant.
const FORMER_MAX: usize = 4;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Access tokens.
    Access,
    /// id_tokens.
    Identity,
}

impl Use {
    /// Both.
    pub const ALL: [Use; 2] = [Use::Access, Use::Identity];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Use::Access => "access",
            Use::Identity => "identity",
        }
    }

    pub(super) fn first_file(self) -> &'static str {
        match self {
            Use::Access => "access.pem",
            Use::Identity => "identity.pem",
        }
    }

    fn file(self, key: &SigningKey) -> String {
        format!("{}-{}.pem", self.as_str(), key.kid())
    }

    /// Whether a file of this name holds a key for it.
    pub(super) fn is_file(self, name: &str) -> bool {
        let rest = name.strip_prefix(self.as_str()).and_then(|rest| rest.strip_suffix(".pem"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// Where a key stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Published, and to sign next.
    Next,
    /// Signs.
    Signing,
    /// Published while what it signed may still come.
    Former,
}

impl State {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Next => "next",
            State::Signing => "signing",
            State::Former => "former",
        }
    }
}

/// What is held of a key.
#[derive(Clone)]
pub(super) enum Half {
    /// All of it, and the file that it stands in.
    Private(Arc<SigningKey>, String),
    /// What verifies.
    Public(Box<PublicKey>),
}

/// One key. Times in seconds since 1970.
#[derive(Clone)]
pub struct Held {
    /// What it signs.
    pub usage: Use,
    /// Where it stands.
    pub state: State,
    /// Since when it stands there.
    pub since_s: i64,
    pub(super) half: Half,
}

impl Held {
    /// The half that verifies.
    pub fn public(&self) -> PublicKey {
        match &self.half {
            Half::Private(key, _) => key.public_key(),
            Half::Public(key) => (**key).clone(),
        }
    }

    /// When it may go on: the next key to sign, a former one to be retired.
    pub fn ready_s(&self) -> Option<i64> {
        match self.state {
            State::Next => Some(self.since_s.saturating_add(JWKS_KEPT_S)),
            State::Signing => None,
            State::Former => Some(self.since_s.saturating_add(FORMER_S)),
        }
    }
}

/// The keys as they are between two changes.
pub struct Ring {
    /// Another one after each change.
    pub generation: u64,
    /// All of them.
    pub keys: Vec<Held>,
}

impl Ring {
    /// The key that signs.
    ///
    /// # Errors
    /// Where there is none; a ring without it is not read.
    pub fn signing(&self, usage: Use) -> Result<&SigningKey, &'static str> {
        let found = self.of(usage, State::Signing).find_map(|held| match &held.half {
            Half::Private(key, _) => Some(key.as_ref()),
            Half::Public(_) => None,
        });
        found.ok_or("no key signs")
    }

    /// The keys under which an access token holds: of former ones, those whose tokens may still come.
    pub fn verifying(&self, now_s: i64) -> Vec<PublicKey> {
        let counts = |held: &&Held| match held.state {
            State::Next => false,
            State::Signing => true,
            State::Former => held.ready_s().is_some_and(|ready_s| now_s < ready_s),
        };
        self.keys.iter().filter(|held| held.usage == Use::Access).filter(counts).map(Held::public).collect()
    }

    /// Every key as others see it, each a bare JWK.
    pub fn published(&self) -> Vec<Value> {
        self.keys.iter().map(|held| held.public().to_jwk()).collect()
    }

    fn of(&self, usage: Use, state: State) -> impl Iterator<Item = &Held> {
        self.keys.iter().filter(move |held| held.usage == usage && held.state == state)
    }
}

/// Why keys do not change now.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// The next keys have not been published for long enough.
    #[error(
        "the next keys were published a moment ago, and others may keep what was published before for {kept} seconds: \
         run this again in {0} seconds, or use --force, and what is signed meanwhile may not be believed",
        kept = JWKS_KEPT_S
    )]
    JustPublished(i64),
    /// Tokens of the key may still come.
    #[error(
        "tokens that this key signed hold for {0} seconds more: retire it then, or use --force, which ends them at once"
    )]
    StillHolds(i64),
    /// There is no such key.
    #[error("there is no key {0}; `sluice keys list` shows those there are")]
    Unknown(String),
    /// It signs.
    #[error("this key signs; let another take its place with `sluice keys rotate` first")]
    Signs,
    /// There are too many former ones.
    #[error(
        "there are {most} former keys of one kind already; retire them with `sluice keys retire` first",
        most = FORMER_MAX
    )]
    Crowded,
    /// The files.
    #[error("{0}")]
    Files(#[from] KeyFault),
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The next keys are published.
    Published,
    /// The next keys sign.
    Signs,
}

/// The keys of a gateway, and their changes.
pub struct KeyRing {
    folder: PathBuf,
    now: RwLock<Arc<Ring>>,
    turn: Mutex<()>,
}

impl KeyRing {
    /// Reads the keys of a folder.
    ///
    /// # Errors
    /// [`KeyFault`]; a folder in which not exactly one key of each use signs is none.
    pub(super) fn read(folder: &Path) -> Result<KeyRing, KeyFault> {
        let ring = Ring { generation: 0, keys: list::read(folder)? };
        if Use::ALL.into_iter().any(|usage| ring.of(usage, State::Signing).count() != 1) {
            return Err(KeyFault::Content(folder.to_owned()));
        }
        Ok(KeyRing { folder: folder.to_owned(), now: RwLock::new(Arc::new(ring)), turn: Mutex::default() })
    }

    /// The keys as they are now.
    pub fn now(&self) -> Arc<Ring> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next step: new keys are published where there are no next ones; those there are sign.
    ///
    /// # Errors
    /// [`Unready`]; then nothing has changed.
    pub fn rotate(&self, now_s: i64, force: bool) -> Result<Rotated, Unready> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = self.now();
        let next: Vec<&Held> = ring.keys.iter().filter(|held| held.state == State::Next).collect();
        if next.is_empty() {
            self.swap(&ring, self.with_next(&ring, now_s)?)?;
            return Ok(Rotated::Published);
        }
        let ready_s = next.iter().filter_map(|held| held.ready_s()).max().unwrap_or(i64::MAX);
        if now_s < ready_s && !force {
            return Err(Unready::JustPublished(ready_s - now_s));
        }
        if Use::ALL.into_iter().any(|usage| ring.of(usage, State::Former).count() >= FORMER_MAX) {
            return Err(Unready::Crowded);
        }
        let replaced: Vec<Use> = next.iter().map(|held| held.usage).collect();
        let step = |held: &Held| match held.state {
            State::Next => Held { state: State::Signing, since_s: now_s, ..held.clone() },
            State::Signing if replaced.contains(&held.usage) => Held {
                usage: held.usage,
                state: State::Former,
                since_s: now_s,
                half: Half::Public(Box::new(held.public())),
            },
            State::Signing | State::Former => held.clone(),
        };
        self.swap(&ring, ring.keys.iter().map(step).collect())?;
        Ok(Rotated::Signs)
    }

    /// Takes a key away: one that is to sign next, or a former one whose tokens have run out.
    ///
    /// # Errors
    /// [`Unready`]; then nothing has changed.
    pub fn retire(&self, kid: &str, now_s: i64, force: bool) -> Result<(), Unready> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = self.now();
        let held = ring.keys.iter().find(|held| held.public().kid() == kid);
        let held = held.ok_or_else(|| Unready::Unknown(kid.to_owned()))?;
        match held.state {
            State::Signing => return Err(Unready::Signs),
            State::Former if !force => {
                let ready_s = held.ready_s().unwrap_or(i64::MAX);
                if now_s < ready_s {
                    return Err(Unready::StillHolds(ready_s - now_s));
                }
            }
            State::Next | State::Former => {}
        }
        self.swap(&ring, ring.keys.iter().filter(|held| held.public().kid() != kid).cloned().collect())
    }

    /// The keys with a next one for each use.
    fn with_next(&self, ring: &Ring, now_s: i64) -> Result<Vec<Held>, KeyFault> {
        let mut keys = ring.keys.clone();
        for usage in Use::ALL {
            let key = generate(usage, &self.folder)?;
            let file = usage.file(&key);
            let path = self.folder.join(&file);
            write_key(&path, &key)?;
            let half = Half::Private(Arc::new(key), file);
            keys.push(Held { usage, state: State::Next, since_s: now_s, half });
        }
        fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed(&self.folder))?;
        Ok(keys)
    }

    /// Writes down, and then puts in force.
    fn swap(&self, before: &Ring, keys: Vec<Held>) -> Result<(), Unready> {
        list::write(&self.folder, &keys)?;
        let ring = Ring { generation: before.generation + 1, keys };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::keys::Keys;

    const NOW: i64 = 1_800_000_000;

    fn kids(ring: &KeyRing, state: State) -> Vec<String> {
        ring.now().keys.iter().filter(|held| held.state == state).map(|held| held.public().kid().to_owned()).collect()
    }

    fn verifies(ring: &KeyRing, kid: &str, now_s: i64) -> bool {
        ring.now().verifying(now_s).iter().any(|key| key.kid() == kid)
    }

    #[test]
    fn a_key_is_published_then_signs_and_is_taken_away_when_its_tokens_have_run_out() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keys::make(folder.path()).unwrap().ring;
        let first = kids(&ring, State::Signing);
        assert_eq!(ring.rotate(NOW, false).unwrap(), Rotated::Published);
        let next = kids(&ring, State::Next);
        assert_eq!((next.len(), ring.now().published().len(), kids(&ring, State::Signing)), (2, 4, first.clone()));
        assert!(!verifies(&ring, &next[0], NOW), "what cannot have been signed does not hold");
        let early = ring.rotate(NOW + JWKS_KEPT_S - 1, false);
        assert!(matches!(early, Err(Unready::JustPublished(1))));
        assert_eq!(ring.rotate(NOW + JWKS_KEPT_S, false).unwrap(), Rotated::Signs);
        let turned_s = NOW + JWKS_KEPT_S;
        assert_eq!((kids(&ring, State::Signing), kids(&ring, State::Former)), (next.clone(), first.clone()));
        assert!(verifies(&ring, &first[0], turned_s + 3600) && verifies(&ring, &next[0], turned_s));
        assert!(!verifies(&ring, &first[0], turned_s + FORMER_S), "retired or not");
        assert!(matches!(ring.retire(&next[0], turned_s, true), Err(Unready::Signs)));
        assert!(matches!(ring.retire("x", turned_s, true), Err(Unready::Unknown(_))));
        assert!(matches!(ring.retire(&first[0], turned_s + FORMER_S - 1, false), Err(Unready::StillHolds(1))));
        ring.retire(&first[0], turned_s + FORMER_S, false).unwrap();
        ring.retire(&first[1], turned_s, true).unwrap();
        assert_eq!((kids(&ring, State::Former), ring.now().published().len()), (Vec::new(), 2));
    }

    #[test]
    fn each_step_is_kept_and_what_signs_no_more_has_no_private_half() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keys::make(folder.path()).unwrap().ring;
        let first = kids(&ring, State::Signing);
        ring.rotate(NOW, false).unwrap();
        ring.rotate(NOW, true).unwrap();
        let again = Keys::make(folder.path()).unwrap().ring;
        for state in [State::Next, State::Signing, State::Former] {
            assert_eq!(kids(&again, state), kids(&ring, state), "{state:?}");
        }
        assert_eq!(kids(&again, State::Former), first);
        let mut files: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.retain(|name| name.ends_with(".pem"));
        assert!(files.len() == 2 && !files.iter().any(|name| name == "access.pem"), "{files:?}");
        let list = fs::read_to_string(folder.path().join("ring.json")).unwrap();
        assert!(!list.contains("\"d\""), "{list}");
    }

    #[test]
    fn a_next_key_can_be_given_up_and_former_ones_do_not_heap_up() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keys::make(folder.path()).unwrap().ring;
        ring.rotate(NOW, false).unwrap();
        for kid in kids(&ring, State::Next) {
            ring.retire(&kid, NOW, false).unwrap();
        }
        assert_eq!(ring.rotate(NOW, true).unwrap(), Rotated::Published, "there is none that could sign");
        for _ in 0..FORMER_MAX {
            ring.rotate(NOW, true).unwrap();
            ring.rotate(NOW, true).unwrap();
        }
        assert!(matches!(ring.rotate(NOW, true), Err(Unready::Crowded)));
    }

    #[test]
    fn a_list_that_leads_elsewhere_or_lets_nothing_sign_is_none() {
        let folder = tempfile::tempdir().unwrap();
        drop(Keys::make(folder.path()).unwrap());
        let line = |usage: &str, state: &str, file: &str| {
            format!(r#"{{"use":"{usage}","state":"{state}","since_s":0,"file":"{file}"}}"#)
        };
        for lines in [
            vec![line("access", "signing", "../keys/access.pem"), line("identity", "signing", "identity.pem")],
            vec![line("access", "next", "access.pem"), line("identity", "signing", "identity.pem")],
            vec![line("access", "former", "access.pem"), line("identity", "signing", "identity.pem")],
            vec![line("identity", "signing", "identity.pem")],
            Vec::new(),
        ] {
            fs::write(folder.path().join("ring.json"), format!(r#"{{"keys":[{}]}}"#, lines.join(","))).unwrap();
            assert!(Keys::read(folder.path()).is_err(), "{lines:?}");
        }
    }
}
