//! Random bytes and damaged messages at every door: what the fuzz targets do for hours where a nightly toolchain is, in little.

use proptest::prelude::*;

use super::doors;

/// Bytes that look like messages: tags that exist, lengths that are nearly right.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(prop_oneof![Just(0u8), 1u8..9, any::<u8>()], 0..40);
    let message = (prop::sample::select(b"QPBEDCHSXdcfFpRTDZ1nAGKNv".to_vec()), body, prop_oneof![9 => Just(0i32), 1 => -6i32..6])
        .prop_map(|(tag, body, off)| {
            let length = i32::try_from(body.len()).unwrap() + 4 + off;
            [&[tag][..], &length.to_be_bytes(), &body].concat()
        });
    (1u8..20, prop::collection::vec(message, 0..6)).prop_map(|(size, messages)| [&[size][..], &messages.concat()].concat())
}

pub(crate) fn startup() -> impl Strategy<Value = Vec<u8>> {
    let word =
        prop::sample::select(vec!["user", "database", "options", "-c a=b", "replication", "x", "", "_pq_.a", "\\ ", "client_encoding"]);
    let code = prop::sample::select(vec![196_608, 196_610, 80_877_102, 80_877_103, 80_877_104, 0]);
    (code, prop::collection::vec(word, 0..8), -3i32..3).prop_map(|(code, words, off)| {
        let body: Vec<u8> = words.iter().flat_map(|w| w.bytes().chain([0])).chain([0]).collect();
        let length = i32::try_from(body.len()).unwrap() + 8 + off;
        [&length.to_be_bytes()[..], &i32::to_be_bytes(code), &body].concat()
    })
}

const YAML: &str = "version: classes: rules: roles: tables: columns: mask: users: personal.contact: - { } [ ] , : | > & * !!str ? # ' \" \
    public.users email partial null redact read: write: [read] *.* a: b: 1 16MiB true ~ \\n --- ... <<: listen: upstream: host: audit: file:";

pub(crate) fn yaml() -> impl Strategy<Value = String> {
    let word = prop::sample::select(YAML.split(' ').collect::<Vec<_>>());
    let space = prop::sample::select(vec![" ", "\n", "\n  ", "\n    ", ""]);
    prop::collection::vec((word, space), 0..40).prop_map(|parts| parts.into_iter().flat_map(|(w, s)| [w, s]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_is_cut_alike(bytes in stream()) {
        doors::frames(&bytes);
        doors::startup(&bytes);
    }

    #[test]
    fn any_beginning_is_read(bytes in startup()) {
        doors::startup(&bytes);
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        doors::frames(&bytes);
        doors::startup(&bytes);
        doors::yaml(&bytes);
    }

    #[test]
    fn any_policy_is_read_or_refused_with_a_reason(text in yaml()) {
        doors::yaml(text.as_bytes());
    }
}
