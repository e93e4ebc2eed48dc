// The built-in object table, in our own words: ids, operations and types are facts of the registry
// (technical.openmobilealliance.org/OMNA/LwM2M), names are shortened, descriptions are left out.
//
// Where releases disagree the type that reads both is taken: Lifetime (1/1) became unsigned in 1.2, but its bytes as
// a signed integer of legal width mean the same to either side.

/// Objects 0 to 7 (LwM2M Core 1.1 Appendix E) and the common IPSO objects. See `ObjectModel.init(table:shared:)`.
let standardObjects = """
    0 * Security
     0 - string Server URI
     1 - boolean Bootstrap Server
     2 - integer Security Mode
     3 - opaque Public Key or Identity
     4 - opaque Server Public Key
     5 - opaque Secret Key
     6 - integer SMS Security Mode
     7 - opaque SMS Binding Key Parameters
     8 - opaque SMS Binding Secret Keys
     9 - string Server SMS Number
     10 - integer Short Server ID
     11 - integer Client Hold Off Time
     12 - integer Bootstrap Account Timeout
     13 - unsigned Matching Type
     14 - string SNI
     15 - unsigned Certificate Usage
     16 - unsigned* Cipher Suite
     17 - objlnk OSCORE Security Mode
    1 * Server
     0 R integer Short Server ID
     1 RW integer Lifetime
     2 RW integer Default Minimum Period
     3 RW integer Default Maximum Period
     4 E none Disable
     5 RW integer Disable Timeout
     6 RW boolean Store Notifications When Offline
     7 RW string Binding
     8 E none Registration Update Trigger
     9 E none Bootstrap Request Trigger
     10 RW objlnk APN Link
     11 R unsigned TLS Alert Code
     12 R time Last Bootstrapped
     13 R unsigned Registration Priority Order
     14 RW unsigned Initial Registration Delay
     15 R boolean Registration Failure Block
     16 R boolean Bootstrap on Registration Failure
     17 RW unsigned Communication Retry Count
     18 RW unsigned Communication Retry Timer
     19 RW unsigned Communication Sequence Delay
     20 RW unsigned Communication Sequence Retry Count
     21 RW boolean Trigger
     22 RW string Preferred Transport
     23 RW boolean Mute Send
    2 * Access Control
     0 R integer Object ID
     1 R integer Object Instance ID
     2 RW integer* ACL
     3 RW integer Access Control Owner
    3 1 Device
     0 R string Manufacturer
     1 R string Model Number
     2 R string Serial Number
     3 R string Firmware Version
     4 E none Reboot
     5 E none Factory Reset
     6 R integer* Available Power Sources
     7 R integer* Power Source Voltage
     8 R integer* Power Source Current
     9 R integer Battery Level
     10 R integer Memory Free
     11 R integer* Error Code
     12 E none Reset Error Code
     13 RW time Current Time
     14 RW string UTC Offset
     15 RW string Timezone
     16 R string Supported Binding
     17 R string Device Type
     18 R string Hardware Version
     19 R string Software Version
     20 R integer Battery Status
     21 R integer Memory Total
     22 R objlnk* External Device Information
    4 1 Connectivity Monitoring
     0 R integer Network Bearer
     1 R integer* Available Network Bearer
     2 R integer Radio Signal Strength
     3 R integer Link Quality
     4 R string* IP Addresses
     5 R string* Router IP Addresses
     6 R integer Link Utilization
     7 R string* APN
     8 R integer Cell ID
     9 R integer SMNC
     10 R integer SMCC
     11 R integer Signal to Noise Ratio
     12 R integer Location Area Code
    5 1 Firmware Update
     0 W opaque Package
     1 RW string Package URI
     2 E none Update
     3 R integer State
     5 R integer Update Result
     6 R string Package Name
     7 R string Package Version
     8 R integer* Protocol Support
     9 R integer Delivery Method
     10 E none Cancel
     11 RW integer Severity
     12 R time Last State Change
     13 RW unsigned Maximum Defer Period
    6 1 Location
     0 R float Latitude
     1 R float Longitude
     2 R float Altitude
     3 R float Radius
     4 R opaque Velocity
     5 R time Timestamp
     6 R float Speed
    7 1 Connectivity Statistics
     0 R integer SMS Transmitted
     1 R integer SMS Received
     2 R integer Data Transmitted
     3 R integer Data Received
     4 R integer Maximum Message Size
     5 R integer Average Message Size
     6 E none Start
     7 E none Stop
     8 RW integer Collection Period
    3200 * Digital Input
     = 5500 5501 5502 5503 5504 5505 5750 5751
    3201 * Digital Output
     = 5502 5550 5750
    3202 * Analog Input
     = 5600 5601 5602 5603 5604 5605 5750 5751
    3203 * Analog Output
     = 5603 5604 5650 5750
    3300 * Generic Sensor
     = 5601 5602 5603 5604 5605 5700 5701 5750 5751
    3301 * Illuminance
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750
    3302 * Presence
     = 5500 5501 5505 5751 5903 5904
    3303 * Temperature
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750
    3304 * Humidity
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750
    3305 * Power Measurement
     = 5800 5801 5802 5803 5804 5805 5806 5810 5811 5812 5813 5814 5815 5816 5820 5821 5822
    3306 * Actuation
     = 5750 5850 5851 5852 5853
    3308 * Set Point
     = 5701 5706 5750 5900
    3311 * Light Control
     = 5701 5706 5805 5820 5850 5851 5852
    3312 * Power Control
     = 5750 5805 5820 5850 5851 5852
    3313 * Accelerometer
     = 5603 5604 5701 5702 5703 5704
    3314 * Magnetometer
     = 5701 5702 5703 5704 5705
    3315 * Barometer
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750
    3316 * Voltage
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3317 * Current
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3318 * Frequency
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3319 * Depth
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3320 * Percentage
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3321 * Altitude
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3322 * Load
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3323 * Pressure
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3324 * Loudness
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3325 * Concentration
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3326 * Acidity
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3327 * Conductivity
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3328 * Power
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3329 * Power Factor
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3330 * Distance
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3331 * Energy
     = 5701 5750 5805 5822
    3332 * Direction
     = 5601 5602 5605 5705 5750
    3333 * Time
     = 5506 5507 5750
    3334 * Gyrometer
     = 5603 5604 5605 5701 5702 5703 5704 5750
    3335 * Colour
     = 5701 5706 5750
    3336 * Location
     = 5514 5515 5516 5517 5518 5705 5750
    3338 * Buzzer
     = 5521 5525 5548 5750 5850
    3340 * Timer
     = 5501 5521 5523 5525 5526 5534 5538 5543 5544 5750 5850
    3342 * On/Off Switch
     = 5500 5501 5750 5852 5854
    3343 * Dimmer
     = 5548 5750 5852 5854
    3346 * Rate
     = 5518 5601 5602 5603 5604 5605 5700 5701 5750 5821
    3347 * Push Button
     = 5500 5501 5750
    3348 * Multi-state Selector
     = 5547 5750
    """

/// Resources that IPSO objects share (ids 5500 to 5999 mean the same in each of them).
let reusableResources = """
     5500 R boolean Digital Input State
     5501 R integer Digital Input Counter
     5502 RW boolean Digital Polarity
     5503 RW integer Debounce Period
     5504 RW integer Edge Selection
     5505 E none Counter Reset
     5506 RW time Current Time
     5507 RW float Fractional Time
     5514 R string Latitude
     5515 R string Longitude
     5516 R string Uncertainty
     5517 R opaque Velocity
     5518 R time Timestamp
     5521 RW float Delay Duration
     5523 E none Trigger
     5525 RW float Minimum Off-time
     5526 RW integer Mode
     5534 RW integer Counter
     5538 R float Remaining Time
     5543 R boolean Timer State
     5544 RW float Cumulative Time
     5547 R integer Multi-state Input
     5548 RW float Level
     5550 RW boolean Digital Output State
     5600 R float Analog Input
     5601 R float Minimum Measured Value
     5602 R float Maximum Measured Value
     5603 R float Minimum Range Value
     5604 R float Maximum Range Value
     5605 E none Reset Measured Values
     5650 RW float Analog Output
     5700 R float Sensor Value
     5701 R string Sensor Units
     5702 R float X Value
     5703 R float Y Value
     5704 R float Z Value
     5705 R float Compass Direction
     5706 RW string Colour
     5750 RW string Application Type
     5751 R string Sensor Type
     5800 R float Instantaneous Active Power
     5801 R float Minimum Measured Active Power
     5802 R float Maximum Measured Active Power
     5803 R float Minimum Range Active Power
     5804 R float Maximum Range Active Power
     5805 R float Cumulative Active Power
     5806 W float Active Power Calibration
     5810 R float Instantaneous Reactive Power
     5811 R float Minimum Measured Reactive Power
     5812 R float Maximum Measured Reactive Power
     5813 R float Minimum Range Reactive Power
     5814 R float Maximum Range Reactive Power
     5815 R float Cumulative Reactive Power
     5816 W float Reactive Power Calibration
     5820 R float Power Factor
     5821 RW float Current Calibration
     5822 E none Reset Cumulative Energy
     5850 RW boolean On/Off
     5851 RW integer Dimmer
     5852 RW integer On Time
     5853 RW string Multi-state Output
     5854 RW integer Off Time
     5900 RW float Set Point Value
     5903 RW integer Busy to Clear Delay
     5904 RW integer Clear to Busy Delay
    """
