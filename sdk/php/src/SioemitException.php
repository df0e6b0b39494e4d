<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What every call throws when something is wrong: $reason is for programs, the message for people.
 */
class SioemitException extends \RuntimeException
{
    public function __construct(
        public readonly Reason $reason,
        string $message,
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message, 0, $previous);
    }

    /**
     * Returns what Redis answered, or what its client threw, as an exception that holds no password.
     *
     * Redis repeats the words of a command that it does not know. Where that is AUTH or HELLO, they are a password:
     * then neither the text nor the client's exception is kept.
     *
     * @internal
     */
    public static function fromRedis(
        string $what,
        #[\SensitiveParameter] string $text,
        #[\SensitiveParameter] ?\Throwable $previous = null,
        Reason $reason = Reason::Redis,
    ): self {
        $clean = (string) preg_replace('/,? with args beginning with.*$/s', '', $text);
        if (preg_match('/^`?(AUTH|HELLO)\b|^ERR\b.*\b(AUTH|HELLO)\b/is', $clean) === 1) {
            return new self($reason, "$what: Redis refused the AUTH or HELLO of the client");
        }
        if ($previous instanceof \Predis\CommunicationException) { // it holds the connection, and that the password
            $previous = new \RuntimeException($previous->getMessage(), $previous->getCode());
        }
        return new self($reason, "$what: $clean", $clean === $text ? $previous : null);
    }
}
