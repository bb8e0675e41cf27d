// windsock: the public names, one by one.
//
// Only what stands here, and in `windsock/client`, `/tornado` and `/testing`, is public; everything else may change.

export { type Dialed, type DialOptions, type DialSettings, dial } from './dial.ts'
export type { ErrorListener } from './error-listener.ts'
export type { MessageEvent } from './handlers/actor-handler.ts'
export type { HandlerForm } from './handlers/form.ts'
export type {
  Connection,
  ConnectionRequest,
  ConnectionState,
  HandlerContext,
  Pong,
} from './handlers/handler.ts'
export type { StreamFunction, StreamResult } from './handlers/stream-handler.ts'
export type { AnyTopic } from './handlers/topic-handler.ts'
export type { TopicCaller, TopicInput, TopicRules } from './handlers/topic-rules.ts'
export { type Page, page } from './http/page.ts'
export type { LifeEvent, RecordedLifeEvent } from './journal/events.ts'
export { Fold, fold } from './journal/fold.ts'
export type { FollowOptions } from './journal/follow.ts'
export { Journal, type JournalOptions } from './journal/journal.ts'
export {
  type LifeStep,
  type LifeStory,
  lifeStory,
  stateName,
  type Unfoldable,
} from './journal/life-story.ts'
export type { JournalLevel } from './journal/recorder.ts'
export type { Store } from './journal/store.ts'
export { type ConnectionMachine, connectionMachine } from './machines/connection.ts'
export { memoryJournal, type OpenJournalOptions, openJournal } from './open-journal.ts'
export { CLOSE_CODES, describeCloseCode, isSendable } from './protocol/close-codes.ts'
export { closeLine } from './protocol/close-line.ts'
export type {
  CloseCause,
  CloseFrame,
  CloseRecord,
  ConnectionTotals,
} from './protocol/close-record.ts'
export type { Compression } from './protocol/compression.ts'
export {
  ERROR_CODES,
  type ErrorCode,
  type Fault,
  HandlerError,
  HandshakeError,
  JournalError,
  LimitError,
  ProtocolError,
  type RefusalDetails,
  SettingError,
  WebSocketClosedError,
  WebSocketError,
} from './protocol/errors.ts'
export type { ResponseBody, ResponseHeaders } from './protocol/http-answer.ts'
export { LIMITS, type Limit, type LimitName } from './protocol/limits.ts'
export type { Message, Sendable } from './protocol/message.ts'
export type { OriginPolicy } from './protocol/origin.ts'
export type { Clock, Random } from './protocol/ports.ts'
export type { Position } from './protocol/position.ts'
export { isResumable } from './protocol/resumable.ts'
export { type Route, route } from './route.ts'
export type { CheckOrigin, Prepare, RouteSettings } from './route-settings.ts'
export type { ConnectionCounts } from './runtime.ts'
export { type Attached, attach, type Server, serve } from './server.ts'
export type { AttachOptions, ServeOptions, ServerSettings } from './server-options.ts'
export type {
  Published,
  PublishOptions,
  TopicOptions,
} from './streams/broadcast.ts'
export { type ChatMember, type ChatRoomOptions, chatRoom } from './streams/chat.ts'
export { type ClockFeedOptions, clockFeed } from './streams/clock.ts'
export { DurableTopic } from './streams/durable-topic.ts'
export type { HistoryOptions } from './streams/history.ts'
export type { SlowPolicy } from './streams/outbound.ts'
export { Topic } from './streams/topic.ts'
export { type TopicSettings, topic } from './topic.ts'
export { type TopicsOptions, topics } from './topics.ts'
export { WebSocketHandler } from './tornado/websocket-handler.ts'
export type { TlsOptions } from './transport/ws-client.ts'
