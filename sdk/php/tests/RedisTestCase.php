<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use PHPUnit\Framework\TestCase;
use Sioemit\Reason;
use Sioemit\SioemitException;

/**
 * Tests with a Redis.
 */
abstract class RedisTestCase extends TestCase
{
    protected static RedisServer $server;

    public static function setUpBeforeClass(): void
    {
        self::$server = new RedisServer();
    }

    public static function tearDownAfterClass(): void
    {
        self::$server->stop();
    }

    protected function listener(): Listener
    {
        return new Listener(self::$server->port);
    }

    /**
     * Fails unless a call is refused for a reason.
     */
    protected static function assertRefused(Reason $reason, callable $call): SioemitException
    {
        $e = self::assertThrows($call);
        self::assertSame($reason, $e->reason, $e->getMessage());
        return $e;
    }

    protected static function assertThrows(callable $call): SioemitException
    {
        try {
            $call();
        } catch (SioemitException $e) {
            return $e;
        }
        self::fail('nothing was thrown');
    }
}
