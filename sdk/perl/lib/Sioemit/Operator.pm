package Sioemit::Operator;

use strict;
use warnings;
no if $] >= 5.035, warnings => 'experimental::builtin';

use Scalar::Util qw(looks_like_number);

use Sioemit::Encoder ();
use Sioemit::Error   qw(refuse valid_text);
use Sioemit::Target  ();

# What Socket.IO emits itself: a client that gets one of these drops its connection.
my %RESERVED = map { $_ => 1 } qw(connect connect_error disconnect disconnecting newListener removeListener);

# To servers these would call handlers with no socket; without a listener, "error" ends a server.
my %RESERVED_SERVER_SIDE = map { $_ => 1 } qw(connect connection new_namespace error);

# How long calls with replies wait, in seconds.
use constant DEFAULT_TIMEOUT => 5;

# Programs have few events, whose names are looked at once. The bound is for those that make up names.
my %EVENTS;
use constant MAX_EVENTS => 1000;

sub _broadcast_event {
    my ($event) = @_;
    my $name = _event($event, \%RESERVED);
    $EVENTS{$event} = $name if keys %EVENTS < MAX_EVENTS;
    return $name;
}

sub _derive {
    my ($self, $name, $value) = @_;
    return bless { %$self, target => $self->{target}->with($name => $value) }, ref $self;
}

sub of {
    my ($self, $namespace) = @_;
    my $name = valid_text($namespace, 'namespace');
    $name = "/$name" if $name !~ m{\A/};
    return $self->_derive(namespace => $name);
}

sub to {
    my ($self, @rooms) = @_;
    refuse('empty-room', 'to() without a room would reach everyone; give it one, or leave it out') if !@rooms;
    return $self->_derive(rooms => Sioemit::Target::rooms($self->{target}{rooms}, \@rooms));
}

sub in {
    my ($self, @rooms) = @_;
    return $self->to(@rooms);
}

sub except {
    my ($self, @rooms) = @_;
    my $except = Sioemit::Target::rooms($self->{target}{except}, \@rooms);
    if (my $servers = $self->{options}{only_ids}) {
        $self->_is_socket_id($_)
            or refuse('except-room',
            "except(\"$_\"): $servers leaves out socket ids only, and would ignore a room. If your servers make their own "
                . 'ids, say what they look like with socket_ids')
            for @rooms;
    }
    return $self->_derive(except => $except);
}

# _is_socket_id: on Socket.IO 1 and 2 the id stands behind the namespace, unless that is "/".
sub _is_socket_id {
    my ($self, $room) = @_;
    return if Sioemit::Encoder::is_number($room);
    my $ids = $self->{options}{socket_ids};
    return 1 if $room =~ /\A(?:$ids)\z/;
    return $self->{options}{server_version} < 3 && $room =~ m{\A/[^#]*\#(?:$ids)\z};
}

sub volatile {
    my ($self) = @_;
    return $self->_derive(flags => { %{ $self->{target}{flags} }, volatile => 1 });
}

sub compress {
    my ($self, $compress) = @_;
    return $self->_derive(flags => { %{ $self->{target}{flags} }, compress => $compress ? 1 : 0 });
}

sub timeout {
    my ($self, $seconds) = @_;
    refuse('timeout', 'timeout() takes a number of seconds, more than 0')
        if !looks_like_number($seconds) || $seconds <= 0 || $seconds - $seconds != 0;
    return bless { %$self, timeout => $seconds }, ref $self;
}

sub _seconds { return $_[0]{timeout} // DEFAULT_TIMEOUT }

sub emit {
    my ($self, $event, @args) = @_;
    local $@;    # it is the caller's
    my $name    = (ref $event ? undef : $EVENTS{ $event // '' }) // _broadcast_event($event);
    my $options = $self->{options};
    $self->send($options->{adapter}->broadcast($self->{target}, $name, \@args, $options->{max_attachments}));
    return;
}

sub sockets_join {
    my ($self, @rooms) = @_;
    $self->_request(sockets_join => join => _changed(sockets_join => @rooms));
    return;
}

sub sockets_leave {
    my ($self, @rooms) = @_;
    $self->_request(sockets_leave => leave => _changed(sockets_leave => @rooms));
    return;
}

sub disconnect_sockets {
    my ($self, $close) = @_;
    $self->_request(disconnect_sockets => disconnect => $close);
    return;
}

sub server_side_emit {
    my ($self, $event, @args) = @_;
    local $@;
    my $name = _event($event, \%RESERVED_SERVER_SIDE);
    $self->_untargeted('server_side_emit');
    $self->_needs_version_4('server_side_emit');
    my $adapter = $self->{options}{adapter};
    my @command = $adapter->server_side($self->{target}, $name, \@args);
    $self->check_reads_binary('server_side_emit') if $adapter->can('ends_servers') && $adapter->ends_servers(@command);
    $self->send(@command);
    return;
}

sub emit_with_ack {
    my ($self, $event, @args) = @_;
    local $@;
    my $name = _event($event, \%RESERVED);
    return $self->ask('emit_with_ack', event => $name, args => \@args, limit => $self->{options}{max_attachments});
}

sub fetch_sockets {
    my ($self) = @_;
    local $@;
    return @{ $self->ask('fetch_sockets') };
}

sub server_side_emit_with_ack {
    my ($self, $event, @args) = @_;
    local $@;
    my $name = _event($event, \%RESERVED_SERVER_SIDE);
    $self->_untargeted('server_side_emit_with_ack');
    return @{ $self->ask('server_side_emit_with_ack', event => $name, args => \@args) };
}

sub confirm {
    my ($self) = @_;
    local $@;
    return $self->ask('confirm');
}

sub rooms {
    my ($self) = @_;
    local $@;
    $self->_untargeted('rooms');
    return @{ $self->ask('rooms') };
}

sub _request {
    my ($self, $call, $kind, $value) = @_;
    local $@;
    $self->_needs_version_4($call);
    $self->_sockets_only if $self->{options}{only_ids};
    $self->send($self->{options}{adapter}->request($self->{target}, $kind, $value));
    return;
}

# _sockets_only refuses rooms whose sockets servers in Python cannot change.
sub _sockets_only {
    my ($self) = @_;
    for my $room (@{ $self->{target}{rooms} }) {
        next if !Sioemit::Target::is_number($room) && $self->_is_socket_id($room);
        my $shown = $room =~ s/\A\xff//r;    # before a number
        refuse('no-counterpart',
            "\"$shown\" is no socket id: python-socketio changes the socket with an id, not those in a room. If your servers "
                . 'make their own ids, say what they look like with socket_ids');
    }
    return;
}

sub _changed {
    my ($call, @rooms) = @_;
    refuse('empty-room', "$call without a room") if !@rooms;
    return Sioemit::Target::rooms([], \@rooms);
}

sub _untargeted {
    my ($self, $call) = @_;
    my $target = $self->{target};
    refuse('targeted', "$call goes to the servers of a namespace and takes no rooms")
        if @{ $target->{rooms} } || @{ $target->{except} };
    return;
}

sub _needs_version_4 {
    my ($self, $call) = @_;
    my $version = $self->{options}{server_version};
    refuse('needs-version-4', "$call needs Socket.IO 4, not $version") if $version < 4;
    return;
}

sub _event {
    my ($event, $reserved) = @_;
    my $name = valid_text($event, 'event');
    refuse('empty-event',    "the event's name is empty")                           if $name eq '';
    refuse('reserved-event', "event \"$event\": the name is reserved by Socket.IO") if $reserved->{$name};
    return $name;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Operator - a target, and what can be done with it

=head1 SYNOPSIS

    my $room = $io->of('/shop')->to('user:7')->except('muted');

    $room->emit('order:paid', { id => 12345 });
    $room->volatile->emit('typing');

=head1 DESCRIPTION

L<Sioemit> is one that means everyone in the namespace C</>. The methods that target return new ones, and never change
theirs, which can be kept and shared.

=head1 METHODS THAT TARGET

=head2 of

Takes the name of another namespace, in which rooms and flags are kept. C<admin> is C</admin>.

=head2 to

Takes rooms, besides those already targeted. A client in several of them gets an event once. A socket id is a room, too.
A scalar that was made as a number is a room that is a number: C<join(5)> is not C<join("5")>.

=head2 in

The same.

=head2 except

Takes rooms whose clients are left out. On Socket.IO 1 to 3, and on servers in Python, it takes socket ids
only.

=head2 volatile

Lets servers drop the event for clients that are not ready to receive it.

=head2 compress

Takes whether servers may compress the event.

=head2 timeout

Takes for how many seconds, of which there may be parts, calls with replies wait. The default is 5.

=head1 METHODS THAT SEND

They return nothing, once Redis has taken the command. Each dies with a L<Sioemit::Error>.

=head2 emit

Takes an event and its arguments, and sends it to the clients targeted.

=head2 sockets_join

Takes rooms, which the clients targeted join. Servers do not answer.

=head2 sockets_leave

Takes rooms, which the clients targeted leave.

=head2 disconnect_sockets

Disconnects the clients targeted from the namespace, and, with a true argument, closes their connections.

=head2 server_side_emit

Takes an event and its arguments, and sends it to the servers of the namespace, where C<io.on(event)> receives it.
Binary ends servers with an old classic adapter: those are asked first, as by calls with replies, whether they can read
it.

=head1 METHODS THAT ASK

They wait until everyone has answered, and no longer than C<timeout> says. Then they die with a L<Sioemit::Incomplete>,
which has what came. When no server listens they die at once.

Each needs servers with Socket.IO 4, and one more connection to Redis while it waits. C<connect> of L<Sioemit> says where
that comes from. Redis itself is waited for as long as the client does: give that a C<read_timeout>.

Whole answers are decoded: text is characters, binary is what C<bin> returns, whose method C<bytes> has the bytes.

=head2 emit_with_ack

Takes an event and its arguments, sends it to the clients targeted, and returns a reference to a hash: C<values>, the
first argument of each client's acknowledgement, C<undef> when it had none; C<clients>, how many the servers sent it to;
C<per_server>, the same for each server; C<servers>, how many were asked.

=head2 fetch_sockets

Returns the clients targeted, as references to hashes: C<id>; C<rooms>, of which numbers are numbers; C<data>, which is
C<socket.data>; C<handshake>, which holds cookies and tokens. A server whose C<socket.data> is circular ends when it is
asked.

=head2 server_side_emit_with_ack

Takes an event and its arguments, and returns what each server answered.

=head2 rooms

Returns the names of all rooms, sorted. The id of each socket is one. Rooms that are numbers are left out.

=head2 confirm

Returns how many servers of the namespace there are, once every one of them has taken all that this emitter has sent there
before. Rooms and flags make no difference.

Servers take what comes in order, so they are asked a question that changes nothing, behind the events. What has become of
their connections is looked at as well, with C<INFO>, C<CLIENT LIST> and C<TIME>, or C<XRANGE>, which the user of Redis
must be allowed. When something may be lost in spite of the answers, the call dies with a L<Sioemit::Unconfirmed>, and the
next one begins anew. After a L<Sioemit::Incomplete>, the next one is about the same events, and later ones.

The first C<confirm> of an emitter has nothing to compare with but how long, in seconds, connections have been there: it
cannot tell a server that has just started from one that has just come back. Call it once before the first event for that.
With the streams adapter, C<server_side_emit> goes beside the stream and cannot be confirmed.

=cut
