"""What a partner says to the hub and hears from it, as frozen values.

Money is in minor units, points are whole numbers, instants carry a time zone, days do not. `to_wire` writes the
JSON form of `docs/protocol.md`; `from_wire` reads it, ignoring members that it does not know, so that a newer
hub can say more to an older SDK.
"""

from partner_sdk.model.access import KeyRecord as KeyRecord
from partner_sdk.model.access import Ping as Ping
from partner_sdk.model.access import Rotation as Rotation
from partner_sdk.model.between import Merge as Merge
from partner_sdk.model.between import MovedLot as MovedLot
from partner_sdk.model.between import Pool as Pool
from partner_sdk.model.between import PoolMember as PoolMember
from partner_sdk.model.between import Transfer as Transfer
from partner_sdk.model.cards import Card as Card
from partner_sdk.model.cards import CardRecord as CardRecord
from partner_sdk.model.cards import CardResult as CardResult
from partner_sdk.model.disputes import Claim as Claim
from partner_sdk.model.disputes import Dispute as Dispute
from partner_sdk.model.disputes import DisputedLine as DisputedLine
from partner_sdk.model.disputes import DisputeMove as DisputeMove
from partner_sdk.model.disputes import Withheld as Withheld
from partner_sdk.model.exchanges import Exchange as Exchange
from partner_sdk.model.exchanges import ExchangeQuote as ExchangeQuote
from partner_sdk.model.exchanges import ExchangeTerms as ExchangeTerms
from partner_sdk.model.files import BulkFile as BulkFile
from partner_sdk.model.files import FileCounts as FileCounts
from partner_sdk.model.files import FileResult as FileResult
from partner_sdk.model.members import CardBonus as CardBonus
from partner_sdk.model.members import Ending as Ending
from partner_sdk.model.members import Enrolment as Enrolment
from partner_sdk.model.members import EnrolmentResult as EnrolmentResult
from partner_sdk.model.members import Expiring as Expiring
from partner_sdk.model.members import MemberView as MemberView
from partner_sdk.model.packs import Pack as Pack
from partner_sdk.model.proofs import Inclusion as Inclusion
from partner_sdk.model.record import Balance as Balance
from partner_sdk.model.record import BalanceCharge as BalanceCharge
from partner_sdk.model.record import Charge as Charge
from partner_sdk.model.record import Event as Event
from partner_sdk.model.record import Gap as Gap
from partner_sdk.model.record import Movement as Movement
from partner_sdk.model.record import Net as Net
from partner_sdk.model.record import Pair as Pair
from partner_sdk.model.record import Position as Position
from partner_sdk.model.record import Price as Price
from partner_sdk.model.record import Rate as Rate
from partner_sdk.model.record import Rule as Rule
from partner_sdk.model.record import Statement as Statement
from partner_sdk.model.record import StatementHead as StatementHead
from partner_sdk.model.record import StatementLine as StatementLine
from partner_sdk.model.sales import Confirmation as Confirmation
from partner_sdk.model.sales import Earning as Earning
from partner_sdk.model.sales import EarningQuote as EarningQuote
from partner_sdk.model.sales import EarningResult as EarningResult
from partner_sdk.model.sales import Refund as Refund
from partner_sdk.model.sales import RefundResult as RefundResult
from partner_sdk.model.spending import Capture as Capture
from partner_sdk.model.spending import Lot as Lot
from partner_sdk.model.spending import Redemption as Redemption
from partner_sdk.model.spending import RedemptionQuote as RedemptionQuote
from partner_sdk.model.spending import Reversal as Reversal
from partner_sdk.model.spending import Voided as Voided
from partner_sdk.model.values import Failure as Failure
from partner_sdk.model.values import Item as Item
from partner_sdk.model.values import Money as Money
from partner_sdk.model.values import Page as Page
from partner_sdk.model.webhooks import DeadLetter as DeadLetter
from partner_sdk.model.webhooks import Webhook as Webhook
