//! A simulated ledger. It keeps the records in their stored form, so that what is read is what
//! would be read from the table.

use std::collections::BTreeMap;
use std::sync::Arc;

use funade::config::{Config, Sources, pack, unpack};
use funade::facts::deploy::Deploy;
use funade::facts::finding::{About, Finding, FindingKind};
use funade::facts::hold::Hold;
use funade::facts::names::{Digest, ServiceName, TargetId};
use funade::facts::notice::Notice;
use funade::facts::parameter::{Change, Watched};
use funade::facts::record::{ServiceRecord, TargetRecord};
use funade::facts::release::{Release, Request, RollbackRequest};
use funade::facts::stored::Stored;
use funade::facts::subject::Subject;
use funade::shell::ConfigCache;
use funade::world::{AppliedConfig, CallError, CallProblem, ConfigHead, EventNote, Ledger};

use jiff::Timestamp;

use crate::state::{FindingIs, Sim};

#[derive(Debug, Default)]
pub(crate) struct Table {
    head: Option<ConfigHead>,
    configs: BTreeMap<u64, Vec<u8>>,
    /// By kind and name, with the generation beside the record.
    records: BTreeMap<String, (u64, String)>,
    requests: BTreeMap<ServiceName, String>,
    rollbacks: BTreeMap<TargetId, String>,
    /// By number, in their stored form.
    deploys: BTreeMap<TargetId, BTreeMap<u64, String>>,
    releases: BTreeMap<ServiceName, Vec<Release>>,
    /// When something has changed, and when those who read it are woken.
    changes: BTreeMap<Watched, (Change, Option<Timestamp>)>,
    holds: BTreeMap<Subject, String>,
    findings: BTreeMap<(About, FindingKind), String>,
    notes: Vec<EventNote>,
}

impl Sim {
    /// Puts the first configuration in force without a call, and makes the functions warm: a test
    /// with thousands of histories need not check the same files in each.
    pub fn put_config(&mut self, config: &Arc<Config>, sources: &Sources) {
        let now = self.state().now;
        let table = &mut self.state.get_mut().table;
        table.head = Some(ConfigHead { version: 1, by: "a test".to_owned(), at: now });
        table.configs.insert(1, pack(sources));
        self.cache = ConfigCache::warm(AppliedConfig { version: 1, config: config.clone() });
    }

    /// What events led to, in the order in which it was noted.
    #[must_use]
    pub fn event_notes(&self) -> Vec<EventNote> {
        self.state().table.notes.clone()
    }

    /// A target's record, without a call.
    #[must_use]
    pub fn target_record(&self, target: &TargetId) -> TargetRecord {
        let stored = self.state().table.records.get(&format!("target/{target}")).cloned();
        stored.map_or_else(TargetRecord::default, |(_, json)| {
            TargetRecord::from_json(&json).expect("we wrote it")
        })
    }

    /// The image that is assigned to a target, without a call.
    #[must_use]
    pub fn assigned(&self, target: &TargetId) -> Option<Digest> {
        let record: ServiceRecord = self.state().table.read(&format!("service/{}", target.service));
        let assigned = record.assignment(&target.environment);
        assigned.map(|assigned| assigned.release.digest.clone())
    }

    /// A target's deploys, the newest first, without a call.
    #[must_use]
    pub fn deploys_of(&self, target: &TargetId) -> Vec<Deploy> {
        self.state().table.deploys(target)
    }

    /// Makes all records be as a version wrote them that had not these fields yet.
    pub fn forget_fields(&self, fields: &[&str]) {
        for (_, json) in self.state_mut().table.records.values_mut() {
            let mut value: serde_json::Value = serde_json::from_str(json).expect("it is JSON");
            let record = value.as_object_mut().expect("a record");
            record.retain(|name, _| !fields.contains(&name.as_str()));
            *json = value.to_string();
        }
    }

    /// Generations of all records, to see whether anything was written.
    #[must_use]
    pub fn generations(&self) -> BTreeMap<String, u64> {
        let table = &self.state().table;
        table.records.iter().map(|(key, (generation, _))| (key.clone(), *generation)).collect()
    }
}

impl Table {
    fn read<T: Stored + Default>(&self, key: &str) -> T {
        self.records
            .get(key)
            .map_or_else(T::default, |(_, json)| T::from_json(json).expect("we wrote it"))
    }

    fn deploys(&self, target: &TargetId) -> Vec<Deploy> {
        let stored = self.deploys.get(target).into_iter().flat_map(BTreeMap::values).rev();
        stored.map(|json| Deploy::from_json(json).expect("we wrote it")).collect()
    }

    fn write(&mut self, key: String, generation: u64, json: String) -> Result<(), CallProblem> {
        let before = self.records.get(&key).map_or(0, |(generation, _)| *generation);
        if generation != before + 1 {
            return Err(CallProblem::Conflict);
        }
        self.records.insert(key, (generation, json));
        Ok(())
    }

    fn finding(&self, like: &Finding) -> Option<Finding> {
        let stored = self.findings.get(&like.key());
        stored.map(|json| Finding::from_json(json).expect("we wrote it"))
    }

    fn note_release(&mut self, service: &ServiceName, release: &Release) {
        let releases = self.releases.entry(service.clone()).or_default();
        let same =
            |known: &&mut Release| known.tag == release.tag && known.digest == release.digest;
        match releases.iter_mut().find(same) {
            Some(known) if known.pushed_at < release.pushed_at => {
                known.pushed_at = release.pushed_at;
                known.cause.clone_from(&release.cause);
            }
            Some(_) => {}
            None => releases.push(release.clone()),
        }
    }
}

impl Ledger for Sim {
    async fn config_head(&self) -> Result<Option<ConfigHead>, CallError> {
        self.call("GetItem", "config".to_owned(), |state| Ok(state.table.head.clone())).await
    }

    async fn config_sources(&self, version: u64) -> Result<Sources, CallError> {
        self.call("GetItem", format!("config {version}"), |state| {
            let packed = state.table.configs.get(&version).ok_or(CallProblem::Refused)?;
            unpack(packed).map_err(|_| CallProblem::Refused)
        })
        .await
    }

    async fn apply_config(&self, head: &ConfigHead, sources: &Sources) -> Result<(), CallError> {
        self.call("TransactWriteItems", "config".to_owned(), |state| {
            let before = state.table.head.as_ref().map_or(0, |head| head.version);
            if head.version != before + 1 {
                return Err(CallProblem::Conflict);
            }
            state.table.configs.insert(head.version, pack(sources));
            state.table.head = Some(head.clone());
            Ok(())
        })
        .await
    }

    async fn note_release(
        &self,
        service: &ServiceName,
        release: &Release,
    ) -> Result<(), CallError> {
        self.call("UpdateItem", format!("release {service} {}", release.tag), |state| {
            state.table.note_release(service, release);
            Ok(())
        })
        .await
    }

    async fn releases(&self, service: &ServiceName) -> Result<Vec<Release>, CallError> {
        self.call("Query", format!("release {service}"), |state| {
            Ok(state.table.releases.get(service).cloned().unwrap_or_default())
        })
        .await
    }

    async fn request(&self, service: &ServiceName) -> Result<Option<Request>, CallError> {
        self.call("GetItem", format!("request {service}"), |state| {
            let stored = state.table.requests.get(service);
            Ok(stored.map(|json| Request::from_json(json).expect("we wrote it")))
        })
        .await
    }

    async fn write_request(
        &self,
        service: &ServiceName,
        request: &Request,
    ) -> Result<(), CallError> {
        self.call("PutItem", format!("request {service}"), |state| {
            state.table.requests.insert(service.clone(), request.to_json());
            Ok(())
        })
        .await
    }

    async fn service(&self, service: &ServiceName) -> Result<ServiceRecord, CallError> {
        let key = format!("service/{service}");
        self.call("GetItem", key.clone(), |state| Ok(state.table.read(&key))).await
    }

    async fn write_service(
        &self,
        service: &ServiceName,
        record: &ServiceRecord,
        notices: &[Notice],
    ) -> Result<(), CallError> {
        let key = format!("service/{service}");
        let operation = if notices.is_empty() { "PutItem" } else { "TransactWriteItems" };
        self.call(operation, key.clone(), |state| {
            let before: ServiceRecord = state.table.read(&key);
            state.table.write(key, record.generation, record.to_json())?;
            state.outbox.put(notices);
            state.written_services.push((service.clone(), before, record.clone()));
            Ok(())
        })
        .await
    }

    async fn target(&self, target: &TargetId) -> Result<TargetRecord, CallError> {
        let key = format!("target/{target}");
        self.call("GetItem", key.clone(), |state| Ok(state.table.read(&key))).await
    }

    async fn targets(
        &self,
        targets: &[TargetId],
    ) -> Result<BTreeMap<TargetId, TargetRecord>, CallError> {
        self.call("BatchGetItem", format!("{} targets", targets.len()), |state| {
            let known = |id: &&TargetId| state.table.records.contains_key(&format!("target/{id}"));
            let found = targets.iter().filter(known);
            Ok(found.map(|id| (id.clone(), state.table.read(&format!("target/{id}")))).collect())
        })
        .await
    }

    async fn write_target(
        &self,
        target: &TargetId,
        record: &TargetRecord,
        deploys: &[Deploy],
        notices: &[Notice],
    ) -> Result<(), CallError> {
        let key = format!("target/{target}");
        let alone = deploys.is_empty() && notices.is_empty();
        let operation = if alone { "PutItem" } else { "TransactWriteItems" };
        self.call(operation, key.clone(), |state| {
            state.table.write(key, record.generation, record.to_json())?;
            let history = state.table.deploys.entry(target.clone()).or_default();
            for deploy in deploys {
                history.insert(deploy.id.number, deploy.to_json());
            }
            state.outbox.put(notices);
            state.written.push((target.clone(), record.clone()));
            Ok(())
        })
        .await
    }

    async fn deploys(&self, target: &TargetId) -> Result<Vec<Deploy>, CallError> {
        self.call("Query", format!("deploys of {target}"), |state| Ok(state.table.deploys(target)))
            .await
    }

    async fn rollback_request(
        &self,
        target: &TargetId,
    ) -> Result<Option<RollbackRequest>, CallError> {
        self.call("GetItem", format!("rollback {target}"), |state| {
            let stored = state.table.rollbacks.get(target);
            Ok(stored.map(|json| RollbackRequest::from_json(json).expect("we wrote it")))
        })
        .await
    }

    async fn write_rollback_request(
        &self,
        target: &TargetId,
        request: &RollbackRequest,
    ) -> Result<(), CallError> {
        self.call("PutItem", format!("rollback {target}"), |state| {
            state.table.rollbacks.insert(target.clone(), request.to_json());
            Ok(())
        })
        .await
    }

    async fn changes(&self, watched: &[Watched]) -> Result<BTreeMap<Watched, Change>, CallError> {
        self.call("BatchGetItem", "changes".to_owned(), |state| {
            let noted = watched.iter().filter_map(|watched| {
                let (change, _) = state.table.changes.get(watched)?;
                Some((watched.clone(), change.clone()))
            });
            Ok(noted.collect())
        })
        .await
    }

    async fn note_change(
        &self,
        watched: &Watched,
        change: &Change,
    ) -> Result<Option<Timestamp>, CallError> {
        self.call("UpdateItem", watched.to_string(), |state| {
            let noted = state.table.changes.entry(watched.clone());
            let noted = noted.or_insert_with(|| (change.clone(), None));
            noted.0 = change.clone();
            Ok(noted.1)
        })
        .await
    }

    async fn promise_look(&self, watched: &Watched, at: Timestamp) -> Result<(), CallError> {
        self.call("UpdateItem", watched.to_string(), |state| {
            if let Some(noted) = state.table.changes.get_mut(watched) {
                noted.1 = Some(at);
            }
            Ok(())
        })
        .await
    }

    async fn holds(&self, on: &[Subject]) -> Result<Vec<Hold>, CallError> {
        self.call("BatchGetItem", "holds".to_owned(), |state| {
            let found = on.iter().filter_map(|subject| state.table.holds.get(subject));
            Ok(found.map(|json| Hold::from_json(json).expect("we wrote it")).collect())
        })
        .await
    }

    async fn all_holds(&self) -> Result<Vec<Hold>, CallError> {
        self.call("Query", "holds".to_owned(), |state| {
            let found = state.table.holds.values();
            Ok(found.map(|json| Hold::from_json(json).expect("we wrote it")).collect())
        })
        .await
    }

    async fn write_hold(&self, hold: &Hold) -> Result<(), CallError> {
        self.call("PutItem", format!("hold on {}", hold.on), |state| {
            state.table.holds.insert(hold.on.clone(), hold.to_json());
            Ok(())
        })
        .await
    }

    async fn due(&self, now: Timestamp, count_max: usize) -> Result<Vec<TargetId>, CallError> {
        self.call("Query", "due".to_owned(), |state| {
            let mut due: Vec<(Timestamp, TargetId)> = state
                .table
                .records
                .iter()
                .filter_map(|(key, (_, json))| {
                    let id = key.strip_prefix("target/")?.parse().ok()?;
                    let record = TargetRecord::from_json(json).expect("we wrote it");
                    Some((record.due.filter(|due| *due <= now)?, id))
                })
                .collect();
            due.sort();
            Ok(due.into_iter().map(|(_, id)| id).take(count_max).collect())
        })
        .await
    }

    async fn findings(&self) -> Result<Vec<Finding>, CallError> {
        self.call("Query", "findings".to_owned(), |state| {
            let found = state.table.findings.values();
            Ok(found.map(|json| Finding::from_json(json).expect("we wrote it")).collect())
        })
        .await
    }

    async fn write_finding(
        &self,
        finding: &Finding,
        notice: Option<&Notice>,
    ) -> Result<(), CallError> {
        self.call("TransactWriteItems", format!("finding {}", finding.about), |state| {
            let before = state.table.finding(finding);
            // One that stood already is written again only by whoever knows it.
            let another = before.is_some_and(|before| {
                before.since != finding.since || (before.is_open && notice.is_some())
            });
            if another {
                return Err(CallProblem::Conflict);
            }
            let was_open = state.table.finding(finding).is_some_and(|before| before.is_open);
            let is_open = was_open || finding.is_open;
            let is = if is_open { FindingIs::Open } else { FindingIs::Suspected };
            state.written_findings.push((finding.clone(), is));
            state.table.findings.insert(finding.key(), finding.to_json());
            state.outbox.put(notice.map(std::slice::from_ref).unwrap_or_default());
            Ok(())
        })
        .await
    }

    async fn close_finding(
        &self,
        finding: &Finding,
        notice: Option<&Notice>,
    ) -> Result<(), CallError> {
        self.call("TransactWriteItems", format!("finding {}", finding.about), |state| {
            let before = state.table.finding(finding);
            let Some(before) = before.filter(|before| before.since == finding.since) else {
                return Err(CallProblem::Conflict);
            };
            let is = if before.is_open { FindingIs::Closed } else { FindingIs::Suspected };
            state.written_findings.push((before, is));
            state.table.findings.remove(&finding.key());
            state.outbox.put(notice.map(std::slice::from_ref).unwrap_or_default());
            Ok(())
        })
        .await
    }

    async fn note_event(&self, note: &EventNote) -> Result<(), CallError> {
        self.call("BatchWriteItem", format!("event {}", note.id), |state| {
            state.table.notes.push(note.clone());
            Ok(())
        })
        .await
    }

    async fn events_about(&self, subject: &Subject) -> Result<Vec<EventNote>, CallError> {
        self.call("Query", format!("about {subject}"), |state| {
            let notes = state.table.notes.iter().rev();
            Ok(notes.filter(|note| note.about.contains(subject)).cloned().collect())
        })
        .await
    }
}
