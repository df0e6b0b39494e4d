package Sioemit::Target;

use strict;
use warnings;
no if $] >= 5.035, warnings => 'experimental::builtin';

use Sioemit::Encoder ();
use Sioemit::Error   qw(refuse valid_text);
use Sioemit::JSON    ();

sub new {
    my ($class) = @_;
    return bless { namespace => '/', rooms => [], except => [], flags => {} }, $class;
}

# with returns a copy with one member changed.
sub with {
    my ($self, $name, $value) = @_;
    my ($namespace, $rooms, $except, $flags) = @$self{qw(namespace rooms except flags)};
    return bless { namespace => $namespace, rooms => $rooms, except => $except, flags => $flags, $name => $value },
        ref $self;
}

# made is what adapters have made of a target, which never changes: most events go where one has gone before.
sub made { return $_[0]{made} //= {} }

# Rooms that are numbers are kept as the number that JavaScript has, and others as UTF-8. The first character of a
# number is none that UTF-8 begins with.
use constant NUMBER => "\xff";

sub rooms {
    my ($before, $more) = @_;
    return [_room($more->[0])] if !@$before && @$more == 1;
    my %known = map { $_ => 1 } @$before;
    return [@$before, grep { !$known{$_}++ } map { _room($_) } @$more];
}

sub _room {
    my ($room) = @_;
    if (defined $room && !ref $room && Sioemit::Encoder::is_number($room)) {
        refuse('invalid-text', "room $room: no server can have a room of that number")
            if $room != $room || abs $room == 9**9**9;
        my $json = Sioemit::JSON->new;
        $json->number($room);
        return NUMBER . $json->bytes;
    }
    my $bytes = valid_text($room, 'room');
    refuse('empty-room', "the room's name is empty") if $bytes eq '';
    return $bytes;
}

sub is_number { return substr($_[0], 0, 1) eq NUMBER }

# channel returns the channel of a namespace, or of the one room that has a channel of its own.
sub channel {
    my ($self, $prefix, $has_channel) = @_;
    my $channel = "$prefix#$self->{namespace}#";
    my $rooms   = $self->{rooms};
    $channel .= "$rooms->[0]#" if @$rooms == 1 && !is_number($rooms->[0]) && $has_channel->($rooms->[0]);
    return $channel;
}

# write_rooms appends a list of rooms.
sub write_rooms {
    my ($encoder, $rooms) = @_;
    $encoder->begin_array(scalar @$rooms);
    my $first = 1;
    for my $room (@$rooms) {
        $first           ? ($first = 0)                          : $encoder->separator;
        is_number($room) ? $encoder->number(0 + substr $room, 1) : $encoder->text($room);
    }
    $encoder->end_array;
    return;
}

# write_options appends an object of these members: rooms, except and flags.
sub write_options {
    my ($self, $encoder, @members) = @_;
    $encoder->begin_object(scalar @members);
    my $first = 1;
    for my $member (@members) {
        $first ? ($first = 0) : $encoder->separator;
        $encoder->key($member);
        $member eq 'flags' ? $self->write_flags($encoder) : write_rooms($encoder, $self->{$member});
    }
    $encoder->end_object;
    return;
}

sub write_flags {
    my ($self, $encoder) = @_;
    my @set = grep { exists $self->{flags}{$_} } qw(volatile compress timeout);
    $encoder->begin_object(scalar @set);
    my $first = 1;
    for my $flag (@set) {
        $first ? ($first = 0) : $encoder->separator;
        $encoder->key($flag);
        $flag eq 'timeout' ? $encoder->integer($self->{flags}{$flag}) : $encoder->boolean($self->{flags}{$flag});
    }
    $encoder->end_object;
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Target - who gets what is sent

=head1 DESCRIPTION

A namespace, rooms and flags, as L<Sioemit::Operator> has collected them. It never changes.

=head1 METHODS

=head2 new

=head2 with

=head2 made

=head2 channel

=head2 write_options

=head2 write_flags

=head1 FUNCTIONS

=head2 rooms

=head2 is_number

=head2 write_rooms

=cut
