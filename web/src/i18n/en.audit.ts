/** English for the audit log's changes. */

import { enCases } from "./en.cases";
import type { zhAudit } from "./zh.audit";

export const enAudit: typeof zhAudit = {
  what: {
    "absence.declared": "absence declared", "absence.ended": "absence ended", "access_point.service_days": "days out of service told", "api_key.added": "API key added",
    "asking.settled": "leads to ask about this week settled", "care.answered": "care call answered", "care.asked": "care call made", "care.began": "care began", "care.ended": "care ended", "care.moved": "care moved with the person",
    "case.closed": "lead closed", "case.decision": "step of a lead", "case.entry": "entry of a lead", "case.kind": "kind of lead changed", "case.opened": "lead opened", "case.pack_made": "evidence pack made", "case.stage": "alert of a lead changed",
    "clock.asked": "server time: confirmation asked for", "clock.confirmed": "server time confirmed", "clock.jumped": "server time jumped", "clock.right": "server time right again",
    "command.issued": "device command issued", "command_order.asked": "door order asked for", "command_order.confirmed": "door order confirmed", "command_order.expired": "door order expired", "command_order.issued": "door order issued", "command_order.previewed": "door order previewed", "command_order.refused": "door order refused",
    "consent.other_way": "other way in, for a consent taken back", "credential.created": "credential made", "credential.ended": "credential ended", "credential.identifiers": "ways of a credential changed", "credential.moved": "credential moved with the person",
    "desk.consent_withdrawn": "consent taken back", "desk.card": "card handed out", "desk.id_card": "identity card as a way in", "desk.id_number_other": "identity number differs from the record", "desk.lost_card": "card reported lost", "desk.other_way": "other way in given", "desk.own_request": "ended at own request", "desk.pin": "door PIN set", "desk.restored": "credential restored",
    "device.added": "device added", "device.configured": "device settings changed", "device.foreign_decided": "people on the device who are not ours: decided", "device.in_service": "device in service", "device.mapped": "doors of the device set", "device.out_of_service": "device out of service", "device.paper_added": "paper of a device added", "device.removed": "device removed", "device.renamed": "device renamed",
    "door.added": "door added", "door.declared": "door described", "door.schedule": "hours of a door set", "door_map.doubted": "mapping of a door doubted", "door_map.right": "mapping of a door right again",
    "edge.added": "edge box added", "edge.certificate": "certificate of an edge box renewed", "edge.enrolled": "edge box enrolled", "edge.removed": "edge box removed", "edge.token": "enrolment token made",
    "finding.changed": "finding changed", "finding.closed": "finding gone", "finding.opened": "new finding", "held_action.asked": "second person asked for", "held_action.confirmed": "confirmed by a second person", "held_action.expired": "what waited for a second person expired", "held_action.refused": "refused by a second person",
    "hub.backed_up": "backup made", "lease.decision": "from the lease system", "life.told": "moving in or out told", "list.published": "list published", "outbox.added": "put in the lease system's outbox",
    "pass.ended": "pass ended", "pass.issued": "pass issued", "pass.link": "phone link of a pass", "pass.link_kept": "phone link of a pass kept", "pass.renewed": "pass renewed", "password.set": "password set",
    "person.link_refused": "not the same person", "person.linked": "the same person", "person.revealed": "personal data revealed", "person.same_asked": "perhaps the same person", "person.split": "split into two persons",
    "policy.changed": "estate rules changed", "policy.pack": "policy pack changed", "policy.trial_asked": "trial of a policy pack", "retention.deleted": "records deleted at the end of their time", "retention.signs": "expired sessions and tokens deleted",
    "role.assigned": "role given", "role.created": "role made", "role.ended": "role taken back", "role.extended": "role extended", "role.retired": "role retired", "schedule.changed": "hours changed", "schedule.retired": "hours retired",
    "session.ended": "signed out", "session.opened": "signed in", "sign.kept": "outside sign kept", "sign.withdrawn": "outside sign withdrawn", "sign_in_link.made": "sign-in link made", "sign_in_link.used": "sign-in link used", "site.imported": "estate imported", "snapshot.deleted": "pictures deleted", "snapshot.viewed": "picture viewed",
    "tenancy.changed": "tenancy changed", "tenancy.ended": "tenancy ended", "tenancy.held": "tenancy changes held", "tenancy.held_asked": "release of held tenancy changes asked for", "tenancy.held_refused": "held tenancy changes refused", "tenancy.held_released": "held tenancy changes released", "tenancy.new": "new tenancy", "tenancy.push_held": "pushed tenancies held", "tenancy.release_expired": "release asked for expired", "tenancy.renamed": "tenancy renumbered", "tenancy.rows_refused": "tenancy records refused", "tenancy.run_wanted": "tenancies to be read at once", "tenancy.upload": "uploaded tenancy list taken",
    "user.added": "user added", "user.locked": "account locked",
  },
  field: {
    subject: "of", above: "likelier than", accepted: "taken", access_point: "access point", access_points: "access points", action: "step", added: "members added", after: "after", asked_by: "asked by", attempts: "attempts",
    because: "because", before: "before", begun: "new leads", believed: "time as the system had it", block: "block", blocks: "blocks", cards_gone: "cards gone", case: "lead", cause: "cause", certificate: "certificate", changed: "changed", choice: "choice",
    chosen: "chosen", consents_given: "consents given", consents_withdrawn: "consents taken back", count: "count", credentials: "credentials", days: "days", decision: "decision", device: "device", devices: "devices", digest: "digest", doors: "doors",
    dwelling: "dwelling", dwellings: "dwellings", edge: "edge box", egress: "way out", entry: "entry", escape_route: "escape route", estates: "estates", expires_at: "valid until", face_checks: "face checks", face_enrolment: "new face enrolment",
    face_filing: "provincial filing", face_requests: "remote face checks", fact: "fact", fail_mode: "without power", feed: "source", fields: "fields", file: "file", fire_release: "fire release", form: "form", found: "found", generation: "list version", gone: "gone", hash: "hash",
    held: "held", holder_class: "class of holder", kept: "kept", kind: "kind", left: "members left", let_in_by: "link made by", links: "sign-in links", masked: "masked", members: "members", meters: "meters", mode_default_s: "default length (s)",
    mode_max_s: "longest (s)", most: "at most", name: "name", necessity: "necessity", new: "new", now: "now", number: "number", old: "old", organisation: "organisation", other: "other", outcome: "outcome", own: "own", pack: "policy pack", paper: "paper",
    persons: "persons", pia_id: "impact assessment", pictures: "with pictures", policy: "estate rules", policy_pack: "policy pack", proof: "proof", purpose: "purpose", ranges: "hours", reason: "reason", reason_code: "reason", reasons: "reasons", refused: "refused", removed: "removed", replaced: "replaced",
    result: "result", reveals: "reveals", revision: "revision", role: "role", rule: "rule", schedule_id: "hours", scope: "scope", scopes: "scopes", seen: "seen", sessions: "sessions", sessions_ended: "sessions ended", set: "held set", sha256: "SHA-256",
    shown: "server time", since: "since", snapshot_days: "days pictures are kept", snapshots: "pictures of passes", source: "source", special_days: "special days", stage: "stage", standing: "standing", state: "state", stranger_picture_hours: "hours strangers' pictures are kept", tenancies: "tenancies", tenancy: "tenancy",
    token: "credential", tokens: "enrolment tokens", tried: "tried", until: "until", valid_to: "valid until", version: "version", way: "way", ways: "ways", weight: "changes it makes", why: "why",
  },
  value: {
    keep: "keep", adopt: "adopt", remove: "remove", phone: "phone", desk: "counter", lease_system: "lease system", many: "many",
  },
  action: enCases.action,
};
