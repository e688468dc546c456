"""What bounds a hub that serves: each queue, cache, retry and request, by the name that ``/metrics`` shows."""

from __future__ import annotations

from collections.abc import Mapping

from hub import messenger, room, serve, start, watchdog
from hub.api import express
from hub.core import request_form, webhook_targets
from hub.services import group_commit, partners, rate_limits, redemption_groups, webhook_delivery
from hub.services.files import posting, unpacking
from hub.settings import Settings
from hub.store import database, embedded
from partner_sdk.wire.schemas import MAX_BATCH


def of(settings: Settings) -> Mapping[str, float]:
    """Return the bounds under some settings; what is of a worker process is so for each of them."""
    own = settings.threads * (1 + room.QUEUED_A_THREAD)
    return {
        "body_bytes": settings.max_body_bytes,
        "header_bytes": request_form.MAX_HEADER_BYTES,
        "target_bytes": request_form.MAX_TARGET_BYTES,
        "buffered_bytes": serve.MAX_BUFFERED_BYTES,
        "read_seconds": settings.read_timeout_s,
        "hang_seconds": settings.hang_timeout_s,
        "begin_seconds": watchdog.START_S,
        "stop_seconds": serve.STOP_S,
        "embedded_start_seconds": embedded.START_S,
        "embedded_stop_seconds": embedded.STOP_S,
        "batch_events": MAX_BATCH,
        "workers": settings.workers,
        "worker_connections": serve.MAX_CONNECTIONS,
        "worker_threads": settings.threads,
        "worker_requests": room.PARTNERS_AT_ONCE * own,
        "worker_requests_of_a_partner": own,
        "worker_bodies_bytes": room.MOST_BYTES,
        "worker_database_connections": settings.threads + start.SPARE_CONNECTIONS,
        "worker_rate_shares": rate_limits.MOST_SHARES,
        "express_body_bytes": express.MOST_BYTES,
        "express_requests_of_a_partner": express.MOST_OF_ONE,
        "group_requests": group_commit.MOST_TOGETHER,
        "group_gather_seconds": group_commit.GATHER_S,
        "group_tries": redemption_groups.TRIES,
        "database_wait_seconds": database.POOL_WAIT_S,
        "transaction_attempts": database.ATTEMPTS,
        "address_requests_a_second": settings.address_rate_limit,
        "partner_requests_a_second": settings.rate_limit,
        "member_requests_a_second": settings.member_rate_limit,
        "partner_pending_keys": partners.MAX_PENDING_KEYS,
        "webhook_attempts": len(webhook_delivery.SCHEDULE) + 1,
        "webhook_seconds": messenger.DEADLINE_S,
        "webhook_carriers": messenger.CARRIERS,
        "webhook_url_characters": webhook_targets.MAX_URL,
        "file_unfolded_ratio": unpacking.MAX_RATIO,
        "file_line_characters": unpacking.MAX_LINE,
        "file_chunks_at_a_time": posting.AT_A_TIME,
    }
