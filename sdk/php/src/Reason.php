<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Why a call was refused, or failed. With any other reason than Redis, nothing was sent.
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
    case InPipeline = 'in-pipeline';

    /** The function of the pipeline has returned, and nobody would send what is added to it. */
    case PipelineEnded = 'pipeline-ended';

    /** Redis, or the way there, failed. */
    case Redis = 'redis';
}
