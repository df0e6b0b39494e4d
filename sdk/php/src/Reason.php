<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Why a call was refused, or failed. With any other reason than Redis, Subscription, MaybeAsked, Incomplete and
 * Unconfirmed, nothing was sent.
 */
enum Reason: string
{
    /** Socket.IO emits this event itself: a client that gets it from outside drops its connection. */
    case ReservedEvent = 'reserved-event';
    case EmptyEvent = 'empty-event';

    /** The name of a room is empty, or there is no room at all where one is due. */
    case EmptyRoom = 'empty-room';

    /** Socket.IO before 4 and python-socketio leave out socket ids only, not rooms. */
    case ExceptRoom = 'except-room';

    /** A name that no server can have. */
    case InvalidText = 'invalid-text';

    /** A value that cannot travel, or that servers or clients would not survive. */
    case Unencodable = 'unencodable';

    /** More levels of arrays and objects in one argument than servers read: 1,000, and 300 for those in Python. */
    case TooDeep = 'too-deep';

    /** Binary where only JSON can go. */
    case BinaryInJson = 'binary-in-json';

    /** The adapter takes no such option or value. */
    case AdapterOption = 'adapter-option';

    /** The server version is not 1, 2, 3 or 4. */
    case ServerVersion = 'server-version';

    /** Servers before Socket.IO 4 do not have this call. */
    case NeedsVersion4 = 'needs-version-4';

    /** Servers in Python have no message for this call. */
    case NoCounterpart = 'no-counterpart';

    /** No server reads the stream of this namespace. */
    case UnreadStream = 'unread-stream';

    /** The call goes to the servers of a namespace and takes no rooms. */
    case Targeted = 'targeted';

    /** The Redis client is of a kind that cannot do what was asked. */
    case Client = 'client';

    /** The call needs an answer, which a pipeline or a transaction has only at its end. */
    case InPipeline = 'pipelined';

    /** The function of the pipeline has returned, and nobody would send what is added to it. */
    case PipelineEnded = 'pipeline-ended';

    /** A timeout is more than 0 seconds. */
    case Timeout = 'timeout';

    /** No server listens on the namespace, so nobody was asked. */
    case NoServers = 'no-servers';

    /** Redis, or the way there, failed. */
    case Redis = 'redis';

    /** The connection for replies failed. Servers may have been asked. */
    case Subscription = 'subscription';

    /**
     * The connection broke while the question was on its way, so that nobody knows whether servers have got it. It is
     * not asked again: those that have would answer, and act, twice.
     */
    case MaybeAsked = 'maybe-asked';

    /** Not all answers came in time; the exception is an IncompleteException. */
    case Incomplete = 'incomplete';

    /** All servers answered confirm(), and that proves nothing; the exception is an UnconfirmedException. */
    case Unconfirmed = 'unconfirmed';
}
