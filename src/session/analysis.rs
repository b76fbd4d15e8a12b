//! Long texts are decided off the session's thread: the session gives the work out, waits, and takes up the client's message again
//! when the decision is there. Texts of ordinary length are decided at once, where they came.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Cx, Session, View, cache};
use crate::base::RawSql;
use crate::catalog::Oid;
use crate::plan::{self, Names, Plan, Planned, Protocol, Setting, Shaped};
use crate::sql::Shape;

/// A text that is to be decided, with all that the decision depends on.
#[derive(Debug)]
pub struct Work {
    text: RawSql,
    types: Box<[Oid]>,
    protocol: Protocol,
    view: Arc<View>,
    names: Arc<Names>,
    parse_limit: usize,
}

/// A text that was decided elsewhere.
#[derive(Debug)]
pub struct Decided {
    work: Work,
    planned: Arc<[Planned]>,
}

impl Work {
    /// Decides it. A panic on the way is a refusal. INVARIANT 1.
    #[must_use]
    pub fn run(self) -> Decided {
        let setting = setting(&self.view, &self.names, self.parse_limit);
        let planned = catch_unwind(AssertUnwindSafe(|| plan::plan_text(&self.text, &self.types, self.protocol, setting)));
        let planned = planned.unwrap_or_else(|_| vec![super::asking::unreadable("its text cannot be analysed", "analysis")]);
        Decided { planned: planned.into(), work: self }
    }
}

/// Where the decision of a long text stands.
#[derive(Debug, Default)]
pub(super) enum Analysis {
    /// None is awaited.
    #[default]
    None,
    /// To be given out.
    Wanted(Box<Work>),
    /// Given out.
    Awaited,
    /// Back, for the message that waits.
    Ready(Box<Decided>),
}

impl Session {
    /// A text that is to be decided elsewhere, once. [`Session::analysed`] takes what comes of it.
    pub fn work(&mut self) -> Option<Box<Work>> {
        match std::mem::take(&mut self.analysis) {
            Analysis::Wanted(work) => {
                self.analysis = Analysis::Awaited;
                Some(work)
            }
            other @ (Analysis::None | Analysis::Awaited | Analysis::Ready(_)) => {
                self.analysis = other;
                None
            }
        }
    }

    /// The decision of a text that was given out: the client's message is taken up again.
    pub fn analysed(&mut self, decided: Decided, cx: &mut Cx<'_>) {
        self.analysis = Analysis::Ready(Box::new(decided));
        let waiting = std::mem::take(&mut self.waiting);
        self.client_bytes(&waiting, cx);
    }

    /// Whether a text is being decided.
    pub(super) fn analyses(&self) -> bool {
        matches!(self.analysis, Analysis::Wanted(_) | Analysis::Awaited)
    }

    /// The plans for a text. `None`: the message has to wait for them. Where the catalog is too old they are refusals.
    pub(super) fn plan(&mut self, text: &str, types: &[Oid], protocol: Protocol, cx: &mut Cx<'_>) -> Option<Arc<[Planned]>> {
        let mut planned = self.decide(text, types, protocol, cx)?;
        if self.governed() && self.replies.changes_schema() && planned.iter().any(|p| matches!(p.plan, Plan::Refuse(_))) {
            planned = planned.iter().map(super::asking::uncommitted_schema).collect();
        }
        let decides = |p: &Planned| !matches!(&p.plan, Plan::Send(permit) if super::asking::only_ends(permit.effect()));
        if !self.stale || !self.governed() || !planned.iter().any(decides) {
            return Some(planned);
        }
        let refuse = |p: &Planned| if decides(p) { super::asking::stale_catalog(p) } else { p.clone() };
        Some(planned.iter().map(refuse).collect())
    }

    /// From this thread's cache, made now, or made elsewhere.
    fn decide(&mut self, text: &str, types: &[Oid], protocol: Protocol, cx: &mut Cx<'_>) -> Option<Arc<[Planned]>> {
        let (view, names) = (Arc::clone(&self.view), Arc::clone(&self.names));
        let key = cache::Key { text, types, protocol, snapshot: view.snapshot, profile: view.profile.id, names: &names };
        let found = self.shaped(&key, &view, cx).or_else(|| cx.cache.get(&key));
        if found.is_some() {
            cx.counts.cache_hits += 1;
            return found;
        }
        // One text of a message may stand in another: what was decided elsewhere waits until it is asked for.
        let ready = matches!(&self.analysis, Analysis::Ready(decided) if decided.is_for(&key));
        let ready = if ready { std::mem::take(&mut self.analysis) } else { Analysis::None };
        let planned = match ready {
            Analysis::Ready(decided) => decided.planned,
            Analysis::None | Analysis::Wanted(_) | Analysis::Awaited
                if text.len() > self.limits.long && text.len() <= self.limits.parse =>
            {
                let (text, types) = (RawSql::new(text), types.into());
                let work = Work { text, types, protocol, view, names, parse_limit: self.limits.parse };
                self.analysis = Analysis::Wanted(Box::new(work));
                return None;
            }
            Analysis::None | Analysis::Wanted(_) | Analysis::Awaited => {
                plan::plan_text(&RawSql::new(text), types, protocol, setting(&view, &names, self.limits.parse)).into()
            }
        };
        cx.counts.cache_misses += 1;
        let disagree = |p: &&Planned| matches!(&p.plan, Plan::Refuse(refusal) if refusal.reason == crate::sql::DISAGREEMENT);
        cx.counts.reader_disagreements += planned.iter().filter(disagree).count() as u64;
        cx.cache.put(&key, &planned);
        Some(planned)
    }

    /// By the plan of the text's shape.
    fn shaped(&self, key: &cache::Key<'_>, view: &View, cx: &mut Cx<'_>) -> Option<Arc<[Planned]>> {
        let shape = Some(key.text).filter(|text| text.len() <= self.limits.parse).and_then(Shape::of)?;
        let learn = || Shaped::learn(&shape, key.types, key.protocol, setting(view, key.names, self.limits.parse));
        let shaped = cx.cache.shape(&cache::Key { text: &shape.key(), ..*key }, learn)?;
        Some(Arc::from([shaped.fill(&shape)]))
    }
}

impl Decided {
    /// Whether it is the decision of this text, for what the session is now.
    fn is_for(&self, key: &cache::Key<'_>) -> bool {
        let Work { text, types, protocol, view, names, parse_limit: _ } = &self.work;
        text.as_str() == key.text
            && **types == *key.types
            && *protocol == key.protocol
            && (view.snapshot, view.profile.id) == (key.snapshot, key.profile)
            && Arc::ptr_eq(names, key.names)
    }
}

fn setting<'a>(view: &'a View, names: &'a Names, parse_limit: usize) -> Setting<'a> {
    Setting { catalog: &view.catalog, profile: &view.profile, names, fingerprint_key: &view.fingerprint_key, parse_limit }
}
