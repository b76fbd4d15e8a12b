use super::*;
use proptest::prelude::*;

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Build::new(&mut out, tag).bytes(body).end();
    out
}

/// Feeds `stream` in pieces of the given sizes and joins what comes out.
fn cut_all(stream: &[u8], sizes: &[usize], hold: Hold) -> Result<(Vec<u8>, usize), FrameError> {
    let mut cutter = Cutter::new(backend::ALL, &[backend::DATA_ROW]);
    let (mut out, mut frames, mut at, mut turn) = (Vec::new(), 0, 0, 0);
    while at < stream.len() {
        let size = sizes[turn % sizes.len()].max(1).min(stream.len() - at);
        turn += 1;
        let mut input = &stream[at..at + size];
        at += size;
        while let Some(piece) = cutter.next(&mut input, |_, _| hold)? {
            match piece {
                Piece::Whole(f) => {
                    frames += 1;
                    out.extend_from_slice(f.whole);
                }
                Piece::Run(r) => {
                    assert_eq!(r.frames().count(), r.count);
                    frames += r.count;
                    out.extend_from_slice(r.bytes);
                }
                Piece::Begin(f) => out.extend_from_slice(f.whole),
                Piece::Part { bytes, last } => {
                    frames += usize::from(last);
                    out.extend_from_slice(bytes);
                }
            }
        }
    }
    Ok((out, frames))
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_frames(
        bodies in prop::collection::vec((prop::sample::select(backend::ALL.to_vec()), prop::collection::vec(any::<u8>(), 0..40)), 0..20),
        sizes in prop::collection::vec(1usize..30, 1..6),
        pass in any::<bool>(),
    ) {
        let stream: Vec<u8> = bodies.iter().flat_map(|(t, b)| frame(*t, b)).collect();
        let hold = if pass { Hold::Pass } else { Hold::UpTo(1000) };
        prop_assert_eq!(cut_all(&stream, &sizes, hold), Ok((stream.clone(), bodies.len())));
    }

    #[test]
    fn no_bytes_panic(stream in prop::collection::vec(any::<u8>(), 0..200), sizes in prop::collection::vec(1usize..30, 1..6)) {
        let _ = cut_all(&stream, &sizes, Hold::UpTo(64));
        let _ = row_description(&stream);
        let _ = Notice::read(&stream);
        if let Ok(mut cells) = Cells::new(&stream) {
            while let Ok(Some(_)) = cells.next_cell() {}
        }
    }
}

#[test]
fn what_cannot_be_followed_is_an_error() {
    for (bytes, want) in [
        (&b"D\0\0\0\x03"[..], FrameError::Length),
        (b"?", FrameError::Type(b'?')),
        (b"D\x7f\xff\xff\xff", FrameError::TooLong { tag: b'D', limit: 64 }),
    ] {
        assert_eq!(cut_all(bytes, &[1], Hold::UpTo(64)), Err(want));
    }
}
