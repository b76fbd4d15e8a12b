//! The doors by which a stranger's bytes come in, one function each: what must hold for any bytes at all. The fuzz targets of `fuzz/`
//! call these too, so a case that one of them finds can stand in `cases.rs` as it is.

use pgscrim::auth::{self, Frames, Passthrough};
use pgscrim::base::{Oid, Origin};
use pgscrim::plan::{Kind, Permit, Plan, Planned};
use pgscrim::wire::{
    Cells, Cutter, FrameError, Hold, Notice, Piece, Reader, backend, client, command_rows, restore_origins, row_description,
};

use super::shop::Shop;

/// Frames are the same wherever the stream is cut into reads; no reader passes a frame's end, and none panics.
pub(crate) fn frames(bytes: &[u8]) {
    let Some((size, stream)) = bytes.split_first() else { return };
    let kinds: [(&'static [u8], &'static [u8]); 2] =
        [(client::ALL, &[client::COPY_DATA]), (backend::ALL, &[backend::DATA_ROW, backend::COPY_DATA])];
    for (types, runs) in kinds {
        let whole = cut(types, runs, stream, stream.len().max(1));
        let parts = cut(types, runs, stream, usize::from(*size).max(1));
        assert_eq!(whole, parts);
        for (_, frame) in &whole.0 {
            read(frame.get(5..).unwrap_or_default());
        }
    }
    read(stream);
}

type Cut = (Vec<(u8, Vec<u8>)>, Option<FrameError>);

fn cut(types: &'static [u8], runs: &'static [u8], stream: &[u8], size: usize) -> Cut {
    let mut cutter = Cutter::new(types, runs);
    let mut out = Vec::new();
    for mut input in stream.chunks(size) {
        loop {
            match cutter.next(&mut input, |_, _| Hold::UpTo(1 << 16)) {
                Ok(Some(Piece::Whole(frame))) => out.push((frame.tag, frame.whole.to_vec())),
                Ok(Some(Piece::Run(run))) => out.extend(run.frames().map(|f| (f.tag, f.whole.to_vec()))),
                Ok(Some(Piece::Begin(_) | Piece::Part { .. })) => unreachable!("everything is held"),
                Ok(None) => break,
                Err(error) => return (out, Some(error)),
            }
        }
    }
    (out, None)
}

fn read(body: &[u8]) {
    let mut reader = Reader::new(body);
    while reader.cstr().is_ok() {}
    let _ = reader.count().and_then(|n| reader.bytes(n * 2));
    while reader.value().is_ok_and(|v| v.is_some()) {}
    let origin = Origin { relation: Oid(1), column: 2, ty: Some(Oid(3)) };
    let _ = restore_origins(&mut body.to_vec(), &[Some(origin), None, Some(origin)]);
    let _ = (row_description(body), Notice::read(body).map(|n| n.sqlstate().len()), command_rows(body));
    if let Ok(mut cells) = Cells::new(body) {
        while let Ok(Some(_)) = cells.next_cell() {}
    }
}

/// Start-up packets, the exchange of log-in messages, options.
pub(crate) fn startup(bytes: &[u8]) {
    if let Ok(Some((_, used))) = auth::first_packet(bytes) {
        assert!(used <= bytes.len());
    }
    let mut frames = Frames::default();
    frames.buffer.extend_from_slice(bytes);
    let mut exchange = Passthrough::new(false);
    while let Ok(Some(message)) = frames.message() {
        if message.tag == b'p' {
            let _ = exchange.on_client(&message.body);
        } else {
            let _ = exchange.on_server(&message.body);
        }
        let _ = auth::server_error(&message.body);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(settings) = auth::split_options(text)
    {
        let again = auth::split_options(&auth::render_options(&settings));
        assert!(again.is_ok_and(|again| again == settings), "{text:?}");
    }
}

/// Policies and configurations: read, or refused with a reason.
pub(crate) fn yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match pgscrim::policy::load(&[("policy.yaml".to_owned(), text.to_owned())]) {
        Ok((policy, _)) => drop(policy.digest()),
        Err(found) => assert!(found.has_errors(), "refused without a reason"),
    }
    if let Err(found) = pgscrim::config::Config::parse("pgscrim.yaml", text, []) {
        assert!(found.has_errors(), "refused without a reason");
    }
}

/// A text is decided, and the text of a permit is itself a statement that gets the same permit; a rewritten one asks the raw relations for
/// masks, and is another's statement then, but one.
pub(crate) fn sql(shop: &Shop, text: &str) {
    let planned = shop.plan(text);
    if let Some(by_shape) = shop.plan_by_shape(text) {
        assert_eq!(format!("{by_shape:?}"), format!("{planned:?}"), "{text}\n  is planned otherwise by its shape");
    }
    for permit in permits(&planned) {
        let again = shop.plan(permit.text());
        if permit.kind() == Kind::Rewrite {
            assert_eq!(again.len(), 1, "{text}\n  was let through as {}", permit.text());
            continue;
        }
        let same = permits(&again);
        assert_eq!(same.len(), 1, "{text}\n  was let through as {}\n  which is not: {again:?}", permit.text());
        for same in same {
            let shown = |permit: &Permit| format!("{:?} {:?}", permit.kind(), permit.cells());
            assert_eq!(shown(same), shown(permit), "{text}\n  {}", permit.text());
        }
    }
}

fn permits(planned: &[Planned]) -> Vec<&Permit> {
    planned.iter().filter_map(|p| if let Plan::Send(permit) = &p.plan { Some(permit) } else { None }).collect()
}
