//! Statements of which constants are turned back from masks: what they are the masks of goes to the server in parameters behind the
//! client's own. A query string has none, so its statements are sent in the messages of the extended protocol, before one Sync. So are those of a string
//! in which a COPY to the client stands behind others, since its columns are asked for where it stands: these could make others of them.

use crate::catalog::Oid;
use crate::mask::Format;
use crate::plan::{Permit, Plan, Planned, Refusal, RefusalKind, Syntax, TurnedBack, UNREADABLE};
use crate::session::replies::Refused;
use crate::session::sqlstate::{ErrorText, refusal_fields};
use crate::session::{Cx, Session};
use crate::wire::{Malformed, Reader};

use super::NOBODY;
use super::refuse::{in_words, postgres_refusal};

/// A permit, the types of its parameters, and names and values of its Bind.
pub(in crate::session) type Turned<'p> = (&'p Permit, Vec<u8>, Vec<u8>);

impl Session {
    /// Why a query string that has to be sent as a batch cannot be where it stands.
    pub(super) fn stands_beside(&self, planned: &[Planned]) -> Option<(usize, ErrorText, &'static str)> {
        let (i, permit) = batched(planned)?;
        let message = match permit.turned().map_or(0, TurnedBack::own) {
            _ if planned.len() > 1 && !planned.iter().filter_map(sent).all(Permit::batches) => {
                "a COPY to the client, or a comparison with what is turned back from its mask, stands in a string beside what could not be sent with it"
            }
            _ if self.replies.in_batch() || self.replies.is_skipping() => {
                "a column is turned back from its mask in a query string before which no Sync stands"
            }
            0 => return None,
            n => {
                let refusal = postgres_refusal(Syntax::UndefinedParameter, &format!("there is no parameter ${n}"));
                return Some((i, refusal_fields(&refusal), refusal.reason));
            }
        };
        Some((i, in_words(RefusalKind::Unclear, message, "send the statement by itself"), "turned back"))
    }

    /// Whether the client names the nameless statement where it has none, and the server may have one that a string left behind which failed.
    pub(super) fn is_nameless_no_more(&mut self, statement: &[u8], cx: &mut Cx<'_>) -> bool {
        let refuses = statement.is_empty() && self.replies.left_nameless();
        if refuses {
            let refusal = postgres_refusal(Syntax::InvalidStatementName, "unnamed prepared statement does not exist");
            // it is looked for before the transaction is: PostgreSQL says so in a failed one, too
            self.refuse_extended(NOBODY, Refused::of(None, refusal_fields(&refusal), UNREADABLE), cx);
        }
        refuses
    }
}

fn sent(planned: &Planned) -> Option<&Permit> {
    if let Plan::Send(permit) = &planned.plan { Some(permit) } else { None }
}

/// The first statement of a string for which all are sent as a batch.
pub(in crate::session) fn batched(planned: &[Planned]) -> Option<(usize, &Permit)> {
    let mut sent = planned.iter().enumerate().filter_map(|(i, p)| Some((i, sent(p)?)));
    sent.find(|(i, permit)| permit.turned().is_some() || *i > 0 && permit.copied().is_some())
}

/// What the statements of such a string are sent as; the first that cannot be, and why.
pub(super) fn batch(planned: &[Planned]) -> Result<Option<Vec<Turned<'_>>>, (usize, Refusal)> {
    if batched(planned).is_none() {
        return Ok(None);
    }
    let with_place = |(i, permit)| bound(permit).map_err(|refusal| (i, refusal));
    planned.iter().filter_map(sent).enumerate().map(with_place).collect::<Result<_, _>>().map(Some)
}

fn bound(permit: &Permit) -> Result<Turned<'_>, Refusal> {
    let own = permit.turn_back(&[])?;
    // no names, and all formats are text
    let mut body = [&[0, 0, 0, 0][..], &bytes_of(own.len())].concat();
    own.iter().for_each(|value| push(&mut body, value.as_deref()));
    Ok((permit, all_types(permit, &[]).unwrap_or_else(|| bytes_of(0).into()), body))
}

/// The types of all parameters as Parse has them, where some are the proxy's.
pub(super) fn all_types(permit: &Permit, declared: &[Oid]) -> Option<Vec<u8>> {
    let types = permit.turned()?.types(declared);
    Some(bytes_of(types.len()).into_iter().chain(types.into_iter().flat_map(|oid| oid.0.to_be_bytes())).collect())
}

/// Names and values of a Bind, with those of the proxy behind the client's. What the server would refuse stays as it is.
pub(super) fn turned_back(permit: &Permit, bind: &[u8]) -> Result<Result<Vec<u8>, Refusal>, Malformed> {
    let mut r = Reader::new(bind);
    let (portal, statement) = (r.cstr()?, r.cstr()?);
    let formats = (0..r.count()?).map(|_| r.i16()).collect::<Result<Vec<_>, _>>()?;
    let count = r.count()?;
    let raw = r.rest();
    let values = (0..count).map(|_| r.value()).collect::<Result<Vec<_>, _>>()?;
    let formats = match *formats {
        [] => vec![0; count],
        [all] => vec![all; count],
        _ if formats.len() == count => formats,
        _ => return Ok(Ok(bind.to_vec())),
    };
    let format = |code: &i16| if *code == 1 { Format::Binary } else { Format::Text };
    let given: Vec<_> = formats.iter().map(format).zip(values).collect();
    let own = match permit.turn_back(&given) {
        Ok(own) => own,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let all = bytes_of(count + own.len());
    let formats = formats.into_iter().chain(own.iter().map(|_| 0)).flat_map(i16::to_be_bytes);
    let mut body: Vec<u8> = [portal, &[0], statement, &[0], &all].concat();
    body.extend(formats);
    body.extend([&all[..], raw].concat());
    own.iter().for_each(|value| push(&mut body, value.as_deref()));
    Ok(Ok(body))
}

/// A count on the wire; more parameters no statement has.
fn bytes_of(count: usize) -> [u8; 2] {
    u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes()
}

/// A value with its length in front; -1 is NULL.
fn push(body: &mut Vec<u8>, value: Option<&str>) {
    let length = value.map_or(-1, |v| i32::try_from(v.len()).unwrap_or(i32::MAX));
    body.extend(length.to_be_bytes());
    body.extend(value.unwrap_or_default().as_bytes());
}
