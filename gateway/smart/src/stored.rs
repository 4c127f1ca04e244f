//! How typed values are written into kept documents: as the texts that people read elsewhere.
//!
//! A text that no longer means anything makes its document unreadable, never a wider one; of scopes, a word that means nothing
//! any more grants nothing.

use fhir::{Id, ResourceType};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// `Patient/123`.
pub(crate) fn person(text: &str) -> Option<(ResourceType, Id)> {
    let (kind, id) = text.split_once('/')?;
    Some((kind.parse().ok()?, crate::stored::id(id)?))
}

/// A FHIR id.
pub(crate) fn id(text: &str) -> Option<Id> {
    Id::parse(text).ok()
}

/// [`privacy::Scopes`] as a space-separated list.
pub(crate) mod scopes {
    use super::{Deserialize, Deserializer, Serializer};
    use privacy::Scopes;

    pub(crate) fn serialize<S: Serializer>(scopes: &Scopes, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(scopes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Scopes, D::Error> {
        Ok(Scopes::parse(&String::deserialize(from)?))
    }
}

/// [`privacy::Purpose`] as its code.
pub(crate) mod purpose {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use privacy::Purpose;

    pub(crate) fn serialize<S: Serializer>(purpose: &Purpose, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(purpose.code())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Purpose, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A purpose as its code, where there is one.
pub(crate) mod maybe_purpose {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use privacy::Purpose;

    pub(crate) fn serialize<S: Serializer>(purpose: &Option<Purpose>, to: S) -> Result<S::Ok, S::Error> {
        match purpose {
            Some(purpose) => super::purpose::serialize(purpose, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Purpose>, D::Error> {
        Option::<String>::deserialize(from)?.map(|code| code.parse().map_err(D::Error::custom)).transpose()
    }
}

/// Several purposes as their codes.
pub(crate) mod purposes {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use privacy::Purpose;

    pub(crate) fn serialize<S: Serializer>(purposes: &[Purpose], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(purposes.iter().map(|purpose| purpose.code()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Purpose>, D::Error> {
        Vec::<String>::deserialize(from)?.iter().map(|code| code.parse().map_err(D::Error::custom)).collect()
    }
}

/// [`privacy::Role`] as its word.
pub(crate) mod role {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use privacy::Role;

    pub(crate) fn serialize<S: Serializer>(role: &Role, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(role.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Role, D::Error> {
        let word = String::deserialize(from)?;
        Role::of(&word).ok_or_else(|| D::Error::custom("unknown role"))
    }
}

/// The [`privacy::Role`] of a person.
pub(crate) mod person_role {
    use super::{Deserializer, Error, Serializer};
    use privacy::Role;

    pub(crate) fn serialize<S: Serializer>(role: &Role, to: S) -> Result<S::Ok, S::Error> {
        super::role::serialize(role, to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Role, D::Error> {
        match super::role::deserialize(from)? {
            Role::System => Err(D::Error::custom("no person has this role")),
            person @ (Role::Patient
            | Role::Representative
            | Role::Clinician
            | Role::PrivacyOfficer
            | Role::Administrator
            | Role::Integrator) => Ok(person),
        }
    }
}

/// A person as a resource, `Practitioner/abc`, where there is one.
pub(crate) mod maybe_fhir_user {
    use super::{Deserialize, Deserializer, Error, Serializer, person};
    use fhir::{Id, ResourceType};

    pub(crate) fn serialize<S: Serializer>(user: &Option<(ResourceType, Id)>, to: S) -> Result<S::Ok, S::Error> {
        match user {
            Some((kind, id)) => to.collect_str(&format_args!("{}/{id}", kind.as_str())),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<(ResourceType, Id)>, D::Error> {
        match Option::<String>::deserialize(from)? {
            Some(text) => person(&text).map(Some).ok_or_else(|| D::Error::custom("not a reference to a person")),
            None => Ok(None),
        }
    }
}

/// Several ids.
pub(crate) mod ids {
    use super::{Deserialize, Deserializer, Error, Serializer, id};
    use fhir::Id;

    pub(crate) fn serialize<S: Serializer>(ids: &[Id], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(ids.iter().map(Id::as_str))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Id>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| id(text).ok_or_else(|| D::Error::custom("not an id"))).collect()
    }
}

/// An id, where there is one.
pub(crate) mod maybe_id {
    use super::{Deserialize, Deserializer, Error, Serializer, id};
    use fhir::Id;

    pub(crate) fn serialize<S: Serializer>(patient: &Option<Id>, to: S) -> Result<S::Ok, S::Error> {
        match patient {
            Some(id) => to.collect_str(id),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Id>, D::Error> {
        match Option::<String>::deserialize(from)? {
            Some(text) => id(&text).map(Some).ok_or_else(|| D::Error::custom("not an id")),
            None => Ok(None),
        }
    }
}
