//! The form of a request to the token endpoint (RFC 6749 §3.2, appendix B).

use bytes::Bytes;
use chassis::edge::Refusal;
use secrecy::{ExposeSecret, SecretString};

use super::error::Error;

/// No grant has half as many; each is compared with all before it.
const PARAMETERS_MAX: usize = 32;

/// A form's parameters, decoded: each once, none empty. Its values may be secrets.
pub(super) struct Form(Vec<(String, SecretString)>);

impl Form {
    /// Reads a body that is sent as a form.
    pub(super) fn parse(body: Result<Bytes, Refusal>) -> Result<Self, Refusal> {
        let body = body.map_err(|refusal| match refusal.problem.status {
            413 | 408 => refusal,
            _ => Error::Body(refusal.problem.detail.into_owned()).into(),
        })?;
        Ok(Self::decode(&body)?)
    }

    fn decode(body: &[u8]) -> Result<Self, Error> {
        let mut parameters: Vec<(String, SecretString)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if name.contains('\0') || value.contains('\0') {
                return Err(Error::Nul);
            }
            if parameters.len() == PARAMETERS_MAX {
                return Err(Error::TooManyParameters);
            }
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(Error::RepeatedParameter);
            }
            parameters.push((name.into_owned(), value.into_owned().into()));
        }
        // §3.2: a parameter without a value counts as left out.
        parameters.retain(|(_, value)| !value.expose_secret().is_empty());
        Ok(Self(parameters))
    }

    /// A parameter, unless it is absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.expose_secret())
    }

    /// A parameter that must be there.
    pub(super) fn require(&self, name: &'static str) -> Result<&str, Error> {
        self.get(name).ok_or(Error::MissingParameter(name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    fn config() -> ProptestConfig {
        ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
    }

    fn encode(parameters: &BTreeMap<String, String>) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_form_is_read_as_it_was_written(
            written in btree_map(".{0,12}", ".{0,40}", 0..PARAMETERS_MAX),
        ) {
            let read = Form::decode(encode(&written).as_bytes());

            if written.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
                prop_assert!(matches!(read, Err(Error::Nul)));
                return Ok(());
            }
            let read = read.unwrap();
            for (name, value) in &written {
                let told = Some(&**value).filter(|value| !value.is_empty());
                prop_assert_eq!(read.get(name), told);
            }
            prop_assert!(read.0.len() <= written.len());
        }

        #[test]
        fn a_parameter_given_twice_is_refused_wherever_it_stands(
            written in btree_map("[^\0]{1,8}", "[^\0]{0,8}", 1..PARAMETERS_MAX),
            which in any::<prop::sample::Index>(),
            again in "[^\0]{0,8}",
            before in any::<bool>(),
        ) {
            let name = written.keys().nth(which.index(written.len())).unwrap();
            let once_more = encode(&BTreeMap::from([(name.clone(), again)]));
            let all = encode(&written);
            let body =
                if before { format!("{once_more}&{all}") } else { format!("{all}&{once_more}") };

            prop_assert!(matches!(Form::decode(body.as_bytes()), Err(Error::RepeatedParameter)));
        }

        #[test]
        fn whatever_is_sent_is_a_form_or_none(
            bytes in vec(any::<u8>(), 0..400),
            text in "[ab&=%0\0+]{0,60}",
        ) {
            for body in [&bytes[..], text.as_bytes()] {
                if let Ok(Form(parameters)) = Form::decode(body) {
                    for (place, (name, value)) in parameters.iter().enumerate() {
                        let value = value.expose_secret();
                        prop_assert!(!value.is_empty());
                        prop_assert!(!name.contains('\0') && !value.contains('\0'));
                        prop_assert!(parameters[..place].iter().all(|(other, _)| other != name));
                    }
                }
            }
        }
    }

    #[test]
    fn parameters_are_decoded_and_empty_ones_absent() {
        let form = Form::decode(b"username=ann%40example.com&password=a+b%2Bc&scope=").unwrap();

        assert_eq!(form.get("username"), Some("ann@example.com"));
        assert_eq!(form.require("password").unwrap(), "a b+c");
        assert!(form.get("scope").is_none());
        assert!(matches!(form.require("scope"), Err(Error::MissingParameter("scope"))));
    }

    #[test]
    fn a_repeated_parameter_is_refused_even_an_empty_one() {
        for body in ["a=1&a=1", "a=1&b=2&a=", "a=&a="] {
            let result = Form::decode(body.as_bytes());
            assert!(matches!(result, Err(Error::RepeatedParameter)), "{body}");
        }
    }

    #[test]
    fn parameters_without_end_are_refused() {
        let body = |count: usize| (0..count).map(|i| format!("p{i}=1&")).collect::<String>();

        assert!(Form::decode(body(PARAMETERS_MAX).as_bytes()).is_ok());
        let result = Form::decode(body(PARAMETERS_MAX + 1).as_bytes());
        assert!(matches!(result, Err(Error::TooManyParameters)));
    }

    #[test]
    fn nul_is_refused() {
        assert!(matches!(Form::decode(b"username=a%00b"), Err(Error::Nul)));
    }
}
