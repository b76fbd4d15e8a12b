//! One plan for all texts of a shape: made of a specimen, for a text whose literals no decision looks at.

use std::sync::Arc;

use super::{Described, Effect, Permit, Plan, Planned, Protocol, RowsOf, Setting, plan_text};
use crate::base::RawSql;
use crate::catalog::Oid;
use crate::sql::{Shape, Template};

/// What was decided for the texts of a shape.
#[derive(Debug)]
pub struct Shaped {
    permit: Permit,
    text: Template,
    described: Described,
}

impl Shaped {
    /// The plan of a shape; `None` where each of its texts is to be decided by itself: it may not be sent (a refusal says where in the
    /// text), it does something to the session, or what its literals say may matter.
    #[must_use]
    pub fn learn(shape: &Shape<'_>, param_types: &[Oid], protocol: Protocol, setting: Setting<'_>) -> Option<Self> {
        let specimen = shape.specimen();
        if !specimen.is_free() {
            return None;
        }
        let mut all = plan_text(&RawSql::new(&*specimen.text), param_types, protocol, setting);
        let Planned { plan, described } = all.pop().filter(|_| all.is_empty())?;
        let Plan::Send(permit) = plan else { return None };
        let only_rows = matches!(permit.effect(), Effect::None) && *permit.rows_of() == RowsOf::Own && permit.copied().is_none();
        // what is turned back stands in no text
        let text = (only_rows && permit.turned().is_none()).then(|| specimen.template(permit.text())).flatten()?;
        Some(Self { permit, text, described })
    }

    /// The plan of a text of this shape.
    #[must_use]
    pub fn fill(&self, shape: &Shape<'_>) -> Planned {
        let permit = self.permit.with_text(Arc::from(self.text.fill(shape)));
        Planned { plan: Plan::Send(permit), described: self.described.clone() }
    }
}
