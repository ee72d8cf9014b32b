//! The party: the part of a contract that is the same for every scope of one controller. Plain data.

use crate::consent::{
    agreement::controller::{Audience, CheckedController},
    agreement::languages::Languages,
};
use std::sync::Arc;

/// The part of a contract that is the same for every scope of one controller, which is the program's or a library's.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) application: String,
    pub(crate) service_version: Option<String>,
    pub(crate) controller: CheckedController,
    pub(crate) audience: Audience,
    pub(crate) endpoint: String,
    /// For how many days a grant is valid.
    pub(crate) validity_days: u32,
    /// The languages in which its notices are available.
    pub(crate) languages: Arc<Languages>,
}

/// The attributes that each request carries in addition to its events.
pub(in crate::consent) fn envelope(party: &Party) -> Vec<String> {
    let mut fields = vec!["service.name"];
    if party.service_version.is_some() {
        fields.push("service.version (two parts)");
    }
    fields.extend([
        "telemetry.sdk.name",
        "telemetry.sdk.version",
        "telemetry.sdk.language",
        "candor.scope",
        "candor.contract.revision",
        "candor.retention.days",
        "candor.divisor (of how many the reporter is one)",
        "log.record.uid (random, one for each record)",
    ]);
    fields.into_iter().map(Into::into).collect()
}
