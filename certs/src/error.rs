//! What can go wrong with keys, certificates and tokens: fixed sentences that say what to fix.
//!
//! Holds no values at all, so that no error can carry a token, a key or a name into a log.

/// Why something was refused or could not be made. The texts are fixed and may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A certificate file holds no certificate, or one that does not parse.
    #[error("the certificate is not a PEM file with at least one readable certificate")]
    CertificatePem,
    /// A private key file holds no key of a kind we use.
    #[error("the private key is not a readable, unencrypted PEM key")]
    KeyPem,
    /// Certificate and key were not made for each other.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The certificate may not sign others.
    #[error("the certificate is not that of a certificate authority")]
    NotAnAuthority,
    /// A root bundle without a usable root.
    #[error("no trusted root certificate was given, so no server could be trusted")]
    NoRoots,
    /// The authority that a link's senders are to be known by cannot be used.
    #[error("the client authority is not a PEM file of certificates that may issue others")]
    ClientAuthority,
    /// A name that cannot stand in a certificate.
    #[error("the certificate needs at least one name, and every name must be a DNS name or an IP address")]
    CertificateName,
    /// A leaf asked for longer, or shorter, than browsers accept.
    #[error("a server certificate must last between 1 and 397 days")]
    CertificateDays,
    /// A time before 1970 or after 9999.
    #[error("the time is outside the years 1970 to 9999")]
    Time,
    /// The TLS library refused protocol, certificate or key.
    #[error("the TLS library refuses this certificate or key")]
    Tls,
    /// The key library failed where it should not.
    #[error("the cryptographic library failed")]
    Library,
    /// A key too small, too large or on another curve.
    #[error("the key must be EC P-256, or RSA of 2048 to 4096 bits")]
    KeyKind,
    /// A public JWK that we cannot use.
    #[error(
        "the JWK must be a public signature key: EC P-256 or P-384, or RSA of 2048 to 4096 bits, with a matching alg"
    )]
    Jwk,
    /// A private member in what should be public.
    #[error("the JWK holds private members; only the public part may be shared")]
    JwkPrivate,
    /// A key set that is malformed, too large, or has two keys of one kid.
    #[error("the JWK set must be a JSON object whose keys have distinct kids, within the size bound")]
    JwkSet,
    /// More bytes than any honest token has.
    #[error("the token is larger than a token may be")]
    TokenSize,
    /// Not three base64url parts of which two are JSON objects without duplicate members.
    #[error("the token is not a well-formed compact JWT")]
    TokenForm,
    /// A header member that would let the token choose its own key or meaning.
    #[error("the token's header has a member that is not accepted here")]
    TokenHeader,
    /// Another kind of token.
    #[error("the token is of another type than expected here")]
    TokenType,
    /// No kid, an unknown one, or one that two keys share.
    #[error("the token's kid does not name exactly one known key")]
    TokenKey,
    /// An algorithm other than the key's own.
    #[error("the token's algorithm is not the one its key is for")]
    TokenAlgorithm,
    /// The signature does not fit.
    #[error("the token's signature is not valid")]
    TokenSignature,
    /// `exp` is missing, or `exp`, `nbf` or `iat` is no whole number of seconds.
    #[error("the token's exp, nbf and iat must be whole seconds, and exp must be present")]
    TokenTime,
    /// Past its `exp`.
    #[error("the token has expired")]
    TokenExpired,
    /// Before its `nbf` or `iat`.
    #[error("the token is not valid yet")]
    TokenEarly,
    /// Someone else's token.
    #[error("the token is from another issuer")]
    TokenIssuer,
    /// A token for someone else.
    #[error("the token is for another audience")]
    TokenAudience,
    /// Claims that do not serialize to a JSON object.
    #[error("the claims do not make a JSON object of a token's size")]
    Claims,
    /// Sealed bytes that were changed, cut, or sealed under another key or for another use.
    #[error("the sealed value was not made here for this use")]
    Sealed,
    /// Text that is not canonical base64url.
    #[error("the text is not base64url without padding")]
    Base64,
    /// A password outside the bounds.
    #[error("the password is too long")]
    PasswordSize,
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl From<openssl::error::ErrorStack> for Error {
    /// The library's own words may quote its input, so they are dropped.
    fn from(_: openssl::error::ErrorStack) -> Self {
        Self::Library
    }
}
