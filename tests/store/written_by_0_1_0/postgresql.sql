CREATE TABLE datasets (
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    shape TEXT NOT NULL,
    parts TEXT NOT NULL,
    preview BYTEA NOT NULL,
    data BYTEA,
    owner TEXT NOT NULL,
    published BOOLEAN NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (sha256)
);
CREATE INDEX ix_datasets_name ON datasets (name);

CREATE TABLE features (
    dataset TEXT NOT NULL,
    space TEXT NOT NULL,
    weights BYTEA NOT NULL,
    accuracy DOUBLE PRECISION NOT NULL,
    sha256 TEXT NOT NULL,
    versions TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (dataset, space)
);

CREATE TABLE meta (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (key)
);

CREATE TABLE "references" (
    dataset TEXT NOT NULL,
    space TEXT NOT NULL,
    n BIGINT NOT NULL,
    k BIGINT NOT NULL,
    seed BIGINT NOT NULL,
    panel TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (dataset, space, n, k, seed, panel)
);

CREATE TABLE runs (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    config TEXT NOT NULL,
    state TEXT NOT NULL,
    phase TEXT NOT NULL,
    step BIGINT NOT NULL,
    total_steps BIGINT NOT NULL,
    version BIGINT NOT NULL,
    owner TEXT NOT NULL,
    published BOOLEAN NOT NULL,
    dataset TEXT,
    parent_id TEXT,
    parent_step BIGINT,
    worker_id TEXT,
    claim_no BIGINT NOT NULL,
    heartbeat DOUBLE PRECISION,
    seconds DOUBLE PRECISION NOT NULL,
    steps_per_second DOUBLE PRECISION,
    at_risk DOUBLE PRECISION,
    threads BIGINT,
    versions TEXT NOT NULL,
    error TEXT,
    created DOUBLE PRECISION NOT NULL,
    queued DOUBLE PRECISION,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION,
    PRIMARY KEY (id)
);
CREATE INDEX ix_runs_state ON runs (state);

CREATE TABLE workers (
    id TEXT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    phase TEXT NOT NULL,
    heartbeat DOUBLE PRECISION NOT NULL,
    memory BIGINT NOT NULL,
    versions TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (id)
);

CREATE TABLE checkpoints (
    run_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    data BYTEA NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (run_id, step),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);

CREATE TABLE commands (
    id BIGSERIAL NOT NULL,
    run_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    by TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    handled DOUBLE PRECISION,
    outcome TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_commands_run_id ON commands (run_id);

CREATE TABLE events (
    id BIGSERIAL NOT NULL,
    run_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    time DOUBLE PRECISION NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_events_run_id ON events (run_id);

CREATE TABLE jobs (
    id BIGSERIAL NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    run_id TEXT,
    step BIGINT,
    params TEXT NOT NULL,
    state TEXT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    error TEXT,
    result BYTEA,
    worker_id TEXT,
    created DOUBLE PRECISION NOT NULL,
    ended DOUBLE PRECISION,
    PRIMARY KEY (id),
    UNIQUE (key),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_jobs_run_id ON jobs (run_id);
CREATE INDEX ix_jobs_state ON jobs (state);

CREATE TABLE metrics (
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, name, step),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);

CREATE TABLE reports (
    run_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    space TEXT NOT NULL,
    n BIGINT NOT NULL,
    k BIGINT NOT NULL,
    seed BIGINT NOT NULL,
    panel TEXT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (run_id, step, space, n, k, seed, panel),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);

CREATE TABLE snapshots (
    run_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    samples BYTEA NOT NULL,
    weights BYTEA NOT NULL,
    PRIMARY KEY (run_id, step),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);

