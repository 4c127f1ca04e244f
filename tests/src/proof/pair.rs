//! Pairs: the same request in two worlds, and a hidden record against one that does not exist.

use super::check::ask;
use super::request::Step;
use super::stage::Stage;
use crate::http::{Answer, Connection};
use crate::world::canary;
use std::io;

/// Asks in both worlds.
///
/// # Errors
/// What the connections say.
pub async fn worlds(stage: &Stage, connections: &mut [Connection; 2], step: &Step) -> io::Result<[Vec<Answer>; 2]> {
    let [one, two] = connections;
    let (one, two) = tokio::join!(ask(stage, one, 0, step), ask(stage, two, 1, step));
    Ok([one?, two?])
}

/// The same request about a record that does not exist, where it is about one that its caller may not see.
pub fn about_nothing(stage: &Stage, step: &Step) -> Option<(Step, String, String)> {
    let sight = &stage.actors[step.actor].view(&step.path).sight;
    let text = step.target();
    let at = text.find("cnry")?;
    let id = text.get(at..at + 36)?;
    let number = u128::from_str_radix(&id[4..], 16).ok()?;
    let single = text.matches("cnry").count() == 1 && step.body().is_none_or(|body| !body.contains("cnry"));
    let is_id = stage.current.iter().any(|row| row["id"] == *id);
    if !single || !is_id || sight.allowed.contains(&number) {
        return None;
    }
    let nothing = canary(stage.seed, 0xdead, (number & 0xffff) as u16);
    let mut other = step.clone();
    other.path = step.path.replace(id, &nothing);
    other.query.iter_mut().for_each(|(_, value)| *value = value.replace(id, &nothing));
    Some((other, id.to_owned(), nothing))
}

/// How two lists of answers differ, if they do: in status, headers, bodies or number. What is random by its nature is
/// passed over, and a page link is known by what it leads to.
pub fn difference(one: &[Answer], two: &[Answer]) -> Option<String> {
    if one.len() != two.len() {
        return Some(format!("{} pages and {}", one.len(), two.len()));
    }
    one.iter().zip(two).find_map(|(one, two)| differ(one, two))
}

fn differ(one: &Answer, two: &Answer) -> Option<String> {
    if one.status != two.status {
        return Some(format!("status {} and {}", one.status, two.status));
    }
    let (own, other) = (plain(&one.body), plain(&two.body));
    if own != other {
        let at = own.iter().zip(&other).position(|(one, two)| one != two).unwrap_or(own.len().min(other.len()));
        let near = |bytes: &[u8]| {
            String::from_utf8_lossy(&bytes[at.saturating_sub(60)..bytes.len().min(at + 60)]).into_owned()
        };
        return Some(format!(
            "bodies of {} and {} bytes, at {at}: {} / {}",
            own.len(),
            other.len(),
            near(&own),
            near(&other)
        ));
    }
    let (own, other) = (headers(one), headers(two));
    (own != other).then(|| format!("headers {own:?} and {other:?}"))
}

/// What stands before letters that are random by their nature: a page link, and what binds a form to its browser.
const RANDOM: [&[u8]; 2] = [b"?_page=", b"name=\"form\" value=\""];

/// The body without those letters.
fn plain(body: &[u8]) -> Vec<u8> {
    RANDOM.iter().fold(body.to_vec(), |body, before| without(&body, before))
}

/// The body without the letters, digits and signs of base64url that stand behind each of these.
fn without(body: &[u8], before: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    let mut rest = body;
    while let Some(at) = memchr::memmem::find(rest, before) {
        let (kept, behind) = rest.split_at(at + before.len());
        left.extend_from_slice(kept);
        let is_random = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        rest = &behind[behind.iter().take_while(|byte| is_random(byte)).count()..];
    }
    left.extend_from_slice(rest);
    left
}

/// Headers but for the date, the correlation id, and what a browser is given at random. A length is kept: that of a page
/// link must not tell of hidden rows either.
fn headers(answer: &Answer) -> Vec<(&str, &str)> {
    let random = ["date", "x-correlation-id", "set-cookie", "retry-after"];
    let kept = answer.headers.iter().filter(|(name, _)| !random.contains(&name.as_str()));
    kept.map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
