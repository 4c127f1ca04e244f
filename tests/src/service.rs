//! A backend service: a client with a key of its own, which asks for itself.

use crate::app::{Grant, granted};
use crate::http::{Answer, Connection};
use certs::client_key::ClientKey;
use form_urlencoded::Serializer;
use serde_json::{Value, json};

/// The `client_assertion_type` of a JSON Web Token.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A backend service.
pub struct Service {
    /// Its id.
    pub client_id: String,
    /// Its key.
    pub key: ClientKey,
}

impl Service {
    /// One with a new key.
    pub fn new(client_id: &str) -> Service {
        Service { client_id: client_id.to_owned(), key: ClientKey::generate().unwrap() }
    }

    /// Its section of a configuration.
    pub fn section(&self, scopes: &str, purpose: &str) -> String {
        section(&self.client_id, scopes, purpose, &[self.key.public_jwk()])
    }

    /// What it says of itself, to be signed.
    pub fn claims(&self, origin: &str) -> Value {
        let now_s = server::clock::now().seconds();
        json!({
            "iss": self.client_id, "sub": self.client_id, "aud": format!("{origin}/oauth/token"), "jti": certs::random::token(),
            "iat": now_s, "exp": now_s + 300,
        })
    }

    /// A token under these scopes.
    ///
    /// # Errors
    /// The answer that is none.
    pub async fn token(&self, connection: &mut Connection, origin: &str, scope: &str) -> Result<Grant, Answer> {
        self.token_for(connection, origin, scope, "").await
    }

    /// As [`Service::token`], for a purpose of use.
    ///
    /// # Errors
    /// The answer that is none.
    pub async fn token_for(
        &self,
        connection: &mut Connection,
        origin: &str,
        scope: &str,
        purpose: &str,
    ) -> Result<Grant, Answer> {
        let assertion = self.key.state(&self.claims(origin)).unwrap();
        let form = [&asking(scope, &assertion)[..], &[("purpose_of_use", purpose)]].concat();
        granted(&self.client_id, ask(connection, "/oauth/token", &form).await)
    }
}

/// The section of a service with these public keys.
pub fn section(client_id: &str, scopes: &str, purpose: &str, keys: &[Value]) -> String {
    let keys = keys.iter().map(|key| {
        let members = key.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}"));
        format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
    });
    format!(
        "[[client]]\nclient_id = \"{client_id}\"\nname = \"{client_id}\"\nscopes = \"{scopes}\"\npurposes = [\"{purpose}\"]\n\
         jwks = {{ keys = [{}] }}\n",
        keys.collect::<Vec<_>>().join(", ")
    )
}

/// The form that asks for a token.
pub fn asking<'a>(scope: &'a str, assertion: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ]
}

/// A form, sent.
pub async fn ask(connection: &mut Connection, target: &str, form: &[(&str, &str)]) -> Answer {
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    connection.send("POST", target, &headers, Some(body.as_bytes())).await.unwrap()
}
