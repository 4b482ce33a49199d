"""first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_key',
    sa.Column('key_hash', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('key_hash')
    )
    op.create_table('audit',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=True),
    sa.Column('changes', sa.JSON(), nullable=False),
    sa.Column('previous_hash', sa.String(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_actor'), ['actor'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_estate_id'), ['estate_id'], unique=False)

    op.create_table('dead_letter',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('edge_id', sa.String(), nullable=True),
    sa.Column('topic', sa.String(), nullable=False),
    sa.Column('error', sa.String(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('dead_letter', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_dead_letter_edge_id'), ['edge_id'], unique=False)

    op.create_table('dirty_day',
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('from_day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('dwelling_id')
    )
    op.create_table('estate',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('division', sa.String(), nullable=False),
    sa.Column('policy_pack', sa.String(), nullable=False),
    sa.Column('policy', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('event',
    sa.Column('edge_id', sa.String(), nullable=False),
    sa.Column('epoch', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('access_point_id', sa.String(), nullable=True),
    sa.Column('dwelling_id', sa.String(), nullable=True),
    sa.Column('credential', sa.String(), nullable=True),
    sa.Column('identifier', sa.String(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('device_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ingested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('clock_offset_s', sa.Double(), nullable=True),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.Column('data', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('edge_id', 'epoch', 'seq')
    )
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.create_index('ix_event_dwelling_at', ['dwelling_id', 'at'], unique=False)
        batch_op.create_index('ix_event_estate_at', ['estate_id', 'at'], unique=False)

    op.create_table('hub_key',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('public', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('hub_user',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('display_name', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=True),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('failed_attempts', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('inbound_decision',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('result', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('ingest_cursor',
    sa.Column('edge_id', sa.String(), nullable=False),
    sa.Column('epoch', sa.String(), nullable=False),
    sa.Column('up_to_seq', sa.Integer(), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('edge_id', 'epoch')
    )
    op.create_table('job_run',
    sa.Column('job', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ok', sa.Boolean(), nullable=True),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('runs', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('job')
    )
    op.create_table('meter_day',
    sa.Column('meter_id', sa.String(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('quantity', sa.String(), nullable=False),
    sa.Column('first_value', sa.Double(), nullable=True),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_value', sa.Double(), nullable=True),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ok_count', sa.Integer(), nullable=False),
    sa.Column('bad_count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('meter_id', 'day')
    )
    with op.batch_alter_table('meter_day', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_meter_day_dwelling_id'), ['dwelling_id'], unique=False)

    op.create_table('outbox',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_error', sa.String(), nullable=False),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outbox_subject'), ['subject'], unique=False)

    op.create_table('pass_day',
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('credential', sa.String(), nullable=False),
    sa.Column('holder_class', sa.String(), nullable=False),
    sa.Column('face', sa.Integer(), nullable=False),
    sa.Column('face_consented', sa.Integer(), nullable=False),
    sa.Column('other', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('dwelling_id', 'day', 'credential')
    )
    op.create_table('person',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('source_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('id_number_hash', sa.String(), nullable=True),
    sa.Column('id_number_last4', sa.String(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('source', 'source_id')
    )
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_id_number_hash'), ['id_number_hash'], unique=False)

    op.create_table('presence_day',
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('coverage', sa.Double(), nullable=False),
    sa.Column('signals', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('dwelling_id', 'day')
    )
    op.create_table('source_row',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('raw', sa.JSON(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('source_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_source_row_source'), ['source'], unique=False)

    op.create_table('source_state',
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('cursor', sa.String(), nullable=False),
    sa.Column('last_ok_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_full_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(), nullable=False),
    sa.Column('last_total', sa.Integer(), nullable=False),
    sa.Column('held', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('source')
    )
    op.create_table('block',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('floors', sa.Integer(), nullable=False),
    sa.Column('dwellings_per_floor', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('block', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_block_estate_id'), ['estate_id'], unique=False)

    op.create_table('consent',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('notice', sa.String(), nullable=False),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('guardian', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_person_id'), ['person_id'], unique=False)

    op.create_table('edge',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('enrolled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('certificate_serial', sa.String(), nullable=True),
    sa.Column('secret_hash', sa.String(), nullable=True),
    sa.Column('online', sa.Boolean(), nullable=False),
    sa.Column('state_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('epoch', sa.String(), nullable=False),
    sa.Column('head_seq', sa.Integer(), nullable=False),
    sa.Column('clock_offset_s', sa.Double(), nullable=True),
    sa.Column('clock_trusted', sa.Boolean(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('devices_generation', sa.Integer(), nullable=False),
    sa.Column('devices_digest', sa.String(), nullable=False),
    sa.Column('catalogue', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('edge', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_edge_estate_id'), ['estate_id'], unique=False)

    op.create_table('reveal',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('reason_code', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['hub_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('sign_in_link',
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['hub_user.id'], ),
    sa.PrimaryKeyConstraint('token_hash')
    )
    op.create_table('snapshot',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('edge_id', sa.String(), nullable=False),
    sa.Column('epoch', sa.String(), nullable=False),
    sa.Column('of_seq', sa.Integer(), nullable=True),
    sa.Column('access_point_id', sa.String(), nullable=True),
    sa.Column('camera_id', sa.String(), nullable=True),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('file', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('sha256')
    )
    with op.batch_alter_table('snapshot', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_snapshot_estate_id'), ['estate_id'], unique=False)

    op.create_table('user_estate',
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['hub_user.id'], ),
    sa.PrimaryKeyConstraint('user_id', 'estate_id')
    )
    op.create_table('user_session',
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('csrf', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('address', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['hub_user.id'], ),
    sa.PrimaryKeyConstraint('token_hash')
    )
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_user_session_user_id'), ['user_id'], unique=False)

    op.create_table('device',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('edge_id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('config', sa.JSON(), nullable=False),
    sa.Column('in_service', sa.Boolean(), nullable=False),
    sa.Column('remove_foreign', sa.Boolean(), nullable=False),
    sa.Column('condition', sa.String(), nullable=False),
    sa.Column('condition_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('clock_offset_s', sa.Double(), nullable=True),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('model', sa.String(), nullable=False),
    sa.Column('firmware', sa.String(), nullable=False),
    sa.Column('unreadable_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['edge_id'], ['edge.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('device', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_device_edge_id'), ['edge_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_device_estate_id'), ['estate_id'], unique=False)

    op.create_table('dwelling',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('block_id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('floor', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('rooms', sa.Integer(), nullable=True),
    sa.Column('under_repair', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['block_id'], ['block.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    with op.batch_alter_table('dwelling', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_dwelling_block_id'), ['block_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_dwelling_estate_id'), ['estate_id'], unique=False)

    op.create_table('enrolment_token',
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('edge_id', sa.String(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['edge_id'], ['edge.id'], ),
    sa.PrimaryKeyConstraint('token_hash')
    )
    op.create_table('absence',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('from_date', sa.Date(), nullable=False),
    sa.Column('to_date', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('declared_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['dwelling_id'], ['dwelling.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('absence', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_absence_dwelling_id'), ['dwelling_id'], unique=False)

    op.create_table('command',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('edge_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('access_point_id', sa.String(), nullable=True),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('outcome_text', sa.String(), nullable=False),
    sa.Column('outcome_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.ForeignKeyConstraint(['edge_id'], ['edge.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('command', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_command_estate_id'), ['estate_id'], unique=False)

    op.create_table('coverage',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('from_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('to_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('coverage', schema=None) as batch_op:
        batch_op.create_index('ix_coverage_device', ['device_id', 'from_at'], unique=False)

    op.create_table('desired_list',
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('tokens', sa.JSON(), nullable=False),
    sa.Column('changes', sa.JSON(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('key_id', sa.String(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.PrimaryKeyConstraint('device_id')
    )
    op.create_table('door',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('block_id', sa.String(), nullable=True),
    sa.Column('dwelling_id', sa.String(), nullable=True),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('fail_mode', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('alarm', sa.String(), nullable=False),
    sa.Column('state_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['block_id'], ['block.id'], ),
    sa.ForeignKeyConstraint(['dwelling_id'], ['dwelling.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('door', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_door_estate_id'), ['estate_id'], unique=False)

    op.create_table('meter',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('point', sa.String(), nullable=False),
    sa.Column('quantity', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.ForeignKeyConstraint(['dwelling_id'], ['dwelling.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('meter', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_meter_device_id'), ['device_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_meter_dwelling_id'), ['dwelling_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_meter_estate_id'), ['estate_id'], unique=False)

    op.create_table('reported_list',
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('wanted', sa.Integer(), nullable=False),
    sa.Column('confirmed', sa.Integer(), nullable=False),
    sa.Column('assumed', sa.Integer(), nullable=False),
    sa.Column('pending', sa.Integer(), nullable=False),
    sa.Column('foreign', sa.Integer(), nullable=False),
    sa.Column('refused', sa.JSON(), nullable=False),
    sa.Column('pending_tokens', sa.JSON(), nullable=False),
    sa.Column('decided_at_edge', sa.Boolean(), nullable=False),
    sa.Column('read_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reported_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.PrimaryKeyConstraint('device_id')
    )
    op.create_table('tenancy',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('source_id', sa.String(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('from_date', sa.Date(), nullable=False),
    sa.Column('to_date', sa.Date(), nullable=True),
    sa.Column('handover_at', sa.Date(), nullable=True),
    sa.Column('end_decision', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['dwelling_id'], ['dwelling.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('source', 'source_id')
    )
    with op.batch_alter_table('tenancy', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tenancy_dwelling_id'), ['dwelling_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_tenancy_estate_id'), ['estate_id'], unique=False)

    op.create_table('access_point',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('door_id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('side', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=True),
    sa.Column('point', sa.String(), nullable=False),
    sa.Column('camera_id', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['camera_id'], ['device.id'], ),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.ForeignKeyConstraint(['door_id'], ['door.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('access_point', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_access_point_device_id'), ['device_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_access_point_door_id'), ['door_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_access_point_estate_id'), ['estate_id'], unique=False)

    op.create_table('case_file',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('tenancy_id', sa.String(), nullable=True),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('quiet_until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['dwelling_id'], ['dwelling.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.ForeignKeyConstraint(['tenancy_id'], ['tenancy.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('number')
    )
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_case_file_dwelling_id'), ['dwelling_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_case_file_estate_id'), ['estate_id'], unique=False)

    op.create_table('credential',
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('holder_class', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=True),
    sa.Column('tenancy_id', sa.String(), nullable=True),
    sa.Column('dwelling_id', sa.String(), nullable=True),
    sa.Column('label', sa.String(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=True),
    sa.Column('valid_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('ended_because', sa.String(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['dwelling_id'], ['dwelling.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['tenancy_id'], ['tenancy.id'], ),
    sa.PrimaryKeyConstraint('token')
    )
    with op.batch_alter_table('credential', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_credential_dwelling_id'), ['dwelling_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_credential_estate_id'), ['estate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_credential_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_credential_tenancy_id'), ['tenancy_id'], unique=False)

    op.create_table('household_member',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenancy_id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('relation', sa.String(), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('from_date', sa.Date(), nullable=False),
    sa.Column('to_date', sa.Date(), nullable=True),
    sa.Column('offered', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['tenancy_id'], ['tenancy.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tenancy_id', 'person_id')
    )
    with op.batch_alter_table('household_member', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_household_member_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_household_member_tenancy_id'), ['tenancy_id'], unique=False)

    op.create_table('case_entry',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('case_id', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('reason_code', sa.String(), nullable=False),
    sa.Column('opinion', sa.String(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('case_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_case_entry_case_id'), ['case_id'], unique=False)

    op.create_table('credential_identifier',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('type', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('photo_url', sa.String(), nullable=True),
    sa.Column('photo_sha256', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['token'], ['credential.token'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('credential_identifier', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_credential_identifier_token'), ['token'], unique=False)
        batch_op.create_index('ix_identifier_value', ['type', 'value'], unique=False)

    op.create_table('finding',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('dwelling_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('rule_version', sa.String(), nullable=False),
    sa.Column('policy_version', sa.String(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('families', sa.JSON(), nullable=False),
    sa.Column('window_from', sa.Date(), nullable=False),
    sa.Column('window_to', sa.Date(), nullable=False),
    sa.Column('coverage', sa.Double(), nullable=False),
    sa.Column('because', sa.JSON(), nullable=False),
    sa.Column('against', sa.JSON(), nullable=False),
    sa.Column('refuted_by', sa.JSON(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('observed', sa.String(), nullable=False),
    sa.Column('threshold', sa.String(), nullable=False),
    sa.Column('inputs_hash', sa.String(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('case_id', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], ),
    sa.ForeignKeyConstraint(['dwelling_id'], ['dwelling.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_finding_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_finding_dwelling_id'), ['dwelling_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_finding_estate_id'), ['estate_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_finding_estate_id'))
        batch_op.drop_index(batch_op.f('ix_finding_dwelling_id'))
        batch_op.drop_index(batch_op.f('ix_finding_case_id'))

    op.drop_table('finding')
    with op.batch_alter_table('credential_identifier', schema=None) as batch_op:
        batch_op.drop_index('ix_identifier_value')
        batch_op.drop_index(batch_op.f('ix_credential_identifier_token'))

    op.drop_table('credential_identifier')
    with op.batch_alter_table('case_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_case_entry_case_id'))

    op.drop_table('case_entry')
    with op.batch_alter_table('household_member', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_household_member_tenancy_id'))
        batch_op.drop_index(batch_op.f('ix_household_member_person_id'))

    op.drop_table('household_member')
    with op.batch_alter_table('credential', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_credential_tenancy_id'))
        batch_op.drop_index(batch_op.f('ix_credential_person_id'))
        batch_op.drop_index(batch_op.f('ix_credential_estate_id'))
        batch_op.drop_index(batch_op.f('ix_credential_dwelling_id'))

    op.drop_table('credential')
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_case_file_estate_id'))
        batch_op.drop_index(batch_op.f('ix_case_file_dwelling_id'))

    op.drop_table('case_file')
    with op.batch_alter_table('access_point', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_access_point_estate_id'))
        batch_op.drop_index(batch_op.f('ix_access_point_door_id'))
        batch_op.drop_index(batch_op.f('ix_access_point_device_id'))

    op.drop_table('access_point')
    with op.batch_alter_table('tenancy', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tenancy_estate_id'))
        batch_op.drop_index(batch_op.f('ix_tenancy_dwelling_id'))

    op.drop_table('tenancy')
    op.drop_table('reported_list')
    with op.batch_alter_table('meter', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_meter_estate_id'))
        batch_op.drop_index(batch_op.f('ix_meter_dwelling_id'))
        batch_op.drop_index(batch_op.f('ix_meter_device_id'))

    op.drop_table('meter')
    with op.batch_alter_table('door', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_door_estate_id'))

    op.drop_table('door')
    op.drop_table('desired_list')
    with op.batch_alter_table('coverage', schema=None) as batch_op:
        batch_op.drop_index('ix_coverage_device')

    op.drop_table('coverage')
    with op.batch_alter_table('command', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_command_estate_id'))

    op.drop_table('command')
    with op.batch_alter_table('absence', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_absence_dwelling_id'))

    op.drop_table('absence')
    op.drop_table('enrolment_token')
    with op.batch_alter_table('dwelling', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_dwelling_estate_id'))
        batch_op.drop_index(batch_op.f('ix_dwelling_block_id'))

    op.drop_table('dwelling')
    with op.batch_alter_table('device', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_device_estate_id'))
        batch_op.drop_index(batch_op.f('ix_device_edge_id'))

    op.drop_table('device')
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_user_session_user_id'))

    op.drop_table('user_session')
    op.drop_table('user_estate')
    with op.batch_alter_table('snapshot', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_snapshot_estate_id'))

    op.drop_table('snapshot')
    op.drop_table('sign_in_link')
    op.drop_table('reveal')
    with op.batch_alter_table('edge', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_edge_estate_id'))

    op.drop_table('edge')
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_consent_person_id'))

    op.drop_table('consent')
    with op.batch_alter_table('block', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_block_estate_id'))

    op.drop_table('block')
    op.drop_table('source_state')
    with op.batch_alter_table('source_row', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_source_row_source'))

    op.drop_table('source_row')
    op.drop_table('presence_day')
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_person_id_number_hash'))

    op.drop_table('person')
    op.drop_table('pass_day')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_outbox_subject'))

    op.drop_table('outbox')
    with op.batch_alter_table('meter_day', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_meter_day_dwelling_id'))

    op.drop_table('meter_day')
    op.drop_table('job_run')
    op.drop_table('ingest_cursor')
    op.drop_table('inbound_decision')
    op.drop_table('hub_user')
    op.drop_table('hub_key')
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.drop_index('ix_event_estate_at')
        batch_op.drop_index('ix_event_dwelling_at')

    op.drop_table('event')
    op.drop_table('estate')
    op.drop_table('dirty_day')
    with op.batch_alter_table('dead_letter', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_dead_letter_edge_id'))

    op.drop_table('dead_letter')
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_estate_id'))
        batch_op.drop_index(batch_op.f('ix_audit_actor'))

    op.drop_table('audit')
    op.drop_table('api_key')
